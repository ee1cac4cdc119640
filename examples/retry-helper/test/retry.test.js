import assert from "node:assert/strict";
import { test } from "node:test";
import { retry } from "../src/retry.js";

test("gives back what the task gives back", async () => {
  assert.equal(await retry(() => "fine"), "fine");
});

test("tries again after a failure", async () => {
  let calls = 0;
  const task = () => {
    calls += 1;
    if (calls < 3) throw new Error("not yet");
    return calls;
  };
  assert.equal(await retry(task, { sleep: async () => {} }), 3);
});
