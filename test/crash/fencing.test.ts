/** An owner that stands still while another takes over does nothing any more when it goes on. All points: `test/heavy/fencing.test.ts`. */
import { describe, it } from "vitest";
import { freezeAt } from "../support/fencing.ts";

const POINTS = [
  "journal.after-commit:2",
  "effect.before-append:1",
  "apply.before-stage:2",
  "apply.before-manifest:1",
  "apply.before-folder:1",
  "apply.before-rename:3",
  "apply.before-manifest-removal:1",
];

describe.skipIf(process.platform === "win32")("an owner that was frozen, and is not the owner any more when it goes on", () => {
  for (const point of POINTS) it(`changes no file, repeats no effect, writes nothing and says so: ${point}`, () => freezeAt(point), 30_000);
});
