import { describe, expect, it } from "vitest";
import { createPageAccess } from "../../../mcp-server/page/page-access.ts";

const MINUTE = 60_000;

function opened(clock: { now: number }) {
  const access = createPageAccess("bosun-1", () => clock.now);
  const begun = access.begin(access.newToken());
  if (begun === null) throw new Error("a fresh token opens a session");
  return { access, ...begun, sent: begun.cookie.split(";")[0] ?? "" };
}

describe("who may use the approval page", () => {
  it("is a browser that brings a token, once and in time", () => {
    const clock = { now: 0 };
    const access = createPageAccess("bosun-1", () => clock.now);
    const [first, second, third] = [access.newToken(), access.newToken(), access.newToken()];
    expect(access.begin(first)).not.toBeNull();
    expect(access.begin(first)).toBeNull();
    clock.now = 2 * MINUTE;
    expect(access.begin(second)).not.toBeNull();
    clock.now = 2 * MINUTE + 1;
    expect(access.begin(third)).toBeNull();
    for (const guess of ["", "x", first.slice(1), `${first}x`]) expect(access.begin(guess)).toBeNull();
  });

  it("is known by its cookie among others, until it was away for long", () => {
    const clock = { now: 0 };
    const { access, sent, csrf } = opened(clock);
    expect(access.session(`other=1; ${sent}; bosun-2=x`)).toMatchObject({ csrf });
    for (const header of [undefined, "", "bosun-1=", "bosun-1=x", sent.replace("bosun-1", "bosun-2")])
      expect(access.session(header)).toBeNull();
    clock.now = 7 * 60 * MINUTE;
    expect(access.session(sent)).not.toBeNull();
    clock.now += 8 * 60 * MINUTE + 1;
    expect(access.session(sent)).toBeNull();
  });

  it("has a secret of its own for each session, and the oldest go when there are many", () => {
    const clock = { now: 0 };
    const { access, sent, csrf } = opened(clock);
    const others = Array.from({ length: 20 }, () => access.begin(access.newToken()));
    expect(new Set([csrf, ...others.map((each) => each?.csrf)]).size).toBe(21);
    expect(access.session(sent)).toBeNull();
  });

  it("was seen lately, or not", () => {
    const clock = { now: 0 };
    const { access } = opened(clock);
    clock.now = 10;
    expect([access.seen(11), access.seen(10)]).toEqual([true, false]);
  });
});
