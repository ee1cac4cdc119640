import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Effects, groupByEffects, reading } from "../../../shared/effects.ts";

const writing = (...paths: string[]): Effects => ({ reads: [], writes: paths, exclusive: false });
const alone: Effects = { reads: [], writes: [], exclusive: true };

describe("the calls of one turn", () => {
  it.each<[string, Effects[], number[][]]>([
    ["no calls", [], []],
    ["reads run together", [reading("a"), reading("a"), reading(".")], [[0, 1, 2]]],
    ["writes of different files run together", [writing("a"), writing("b"), reading("c")], [[0, 1, 2]]],
    ["a write waits for a read of the same file", [reading("a"), writing("a")], [[0], [1]]],
    ["a read waits for a write of the same file", [writing("a"), reading("a"), reading("b")], [[0, 2], [1]]],
    ["a search waits for writes below its folder", [writing("src/a"), reading("src"), reading("docs")], [[0, 2], [1]]],
    ["the whole workspace is above every file", [writing("src/a"), reading(".")], [[0], [1]]],
    ["a name that only begins alike is another file", [writing("src"), reading("src2")], [[0, 1]]],
    ["spellings of one path are one path", [writing("./src//A"), writing("src/a"), writing("src\\a")], [[0], [1], [2]]],
    ["two normalisations are one path", [writing("caf\u00e9"), writing("cafe\u0301")], [[0], [1]]],
    ["an exclusive call runs alone", [reading("a"), alone, reading("b")], [[0], [1], [2]]],
    ["a chain of edits keeps its order", [writing("a"), writing("a"), writing("b"), writing("a")], [[0, 2], [1], [3]]],
  ])("%s", (_, effects, waves) => {
    expect(groupByEffects(effects)).toEqual(waves);
  });

  it("each come exactly once, clashing ones in their order and never in one wave", () => {
    const path = fc.constantFrom("a", "a/b", "a/c", "d", ".");
    const effect = fc.record({
      reads: fc.array(path, { maxLength: 2 }),
      writes: fc.array(path, { maxLength: 2 }),
      exclusive: fc.boolean(),
    });
    const covers = (x: string, y: string): boolean => x === "." || x === y || y.startsWith(`${x}/`);
    const meet = (some: readonly string[], others: readonly string[]): boolean =>
      some.some((x) => others.some((y) => covers(x, y) || covers(y, x)));
    const clash = (x: Effects, y: Effects): boolean =>
      x.exclusive || y.exclusive || meet(x.writes, [...y.writes, ...y.reads]) || meet(y.writes, x.reads);
    fc.assert(
      fc.property(fc.array(effect, { maxLength: 12 }), (effects) => {
        const waves = groupByEffects(effects);
        const wave = new Map(waves.flatMap((members, index) => members.map((member) => [member, index] as const)));
        expect(waves.flat().toSorted((x, y) => x - y)).toEqual(effects.map((_, index) => index));
        effects.forEach((later, j) => {
          effects.slice(0, j).forEach((earlier, i) => {
            if (clash(earlier, later)) expect(wave.get(i) ?? 0).toBeLessThan(wave.get(j) ?? 0);
          });
        });
      }),
    );
  });
});
