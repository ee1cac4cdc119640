import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeLine, escapeText } from "../../../shared/visible-text.ts";

describe("escapeLine", () => {
  it.each([
    ["a colour code", "\u001B[31mred", "⟨U+001B⟩[31mred"],
    ["a terminal title", "\u001B]0;owned\u0007", "⟨U+001B⟩]0;owned⟨U+0007⟩"],
    ["an eight-bit control sequence", "\u009B2J", "⟨U+009B⟩2J"],
    ["a carriage return that would overwrite the line", "safe\rrm -rf", "safe␍rm -rf"],
    ["a line end", "one\ntwo", "one␊two"],
    ["a tab", "a\tb", "a⇥b"],
    ["a backspace and a delete", "a\bb\u007F", "a⟨U+0008⟩b⟨U+007F⟩"],
    ["reversed text, as in Trojan Source", "if (admin\u202E \u2066// no\u2069) {", "if (admin⟨U+202E⟩ ⟨U+2066⟩// no⟨U+2069⟩) {"],
    ["a zero-width space in a name", "is\u200BAdmin", "is⟨U+200B⟩Admin"],
    ["a zero-width joiner and a word joiner", "a\u200D\u2060b", "a⟨U+200D⟩⟨U+2060⟩b"],
    ["a byte order mark", "\uFEFFx", "⟨U+FEFF⟩x"],
    ["a soft hyphen", "co\u00ADop", "co⟨U+00AD⟩op"],
    ["letters of the tag block", "x\u{E0041}\u{E007F}", "x⟨U+E0041⟩⟨U+E007F⟩"],
    ["a variation selector on a letter", "a\uFE01", "a⟨U+FE01⟩"],
    ["blanks that look like nothing", "\u3164\u115F\u2800", "⟨U+3164⟩⟨U+115F⟩⟨U+2800⟩"],
    ["a no-break space", "a\u00A0b", "a⟨U+00A0⟩b"],
    ["a line separator", "a\u2028b", "a⟨U+2028⟩b"],
    ["half a surrogate pair", "a\uD800b", "a⟨U+D800⟩b"],
    ["a private character", "\uE000", "⟨U+E000⟩"],
  ])("shows %s", (_what, text, shown) => {
    expect(escapeLine(text)).toBe(shown);
  });

  it("leaves ordinary text of any script alone", () => {
    for (const text of ["plain text, 42 %", "grüße", "日本語のテキスト", "العربية", "עברית", "हिन्दी", "naïve café", "🚀 done"])
      expect(escapeLine(text)).toBe(text);
  });

  it("takes an emoji's style mark away without fuss", () => {
    expect(escapeLine("✔\uFE0F ok")).toBe("✔ ok");
  });

  it("shows marks that pile up on one letter", () => {
    expect(escapeLine(`a${"\u0301".repeat(6)}`)).toBe(`a${"\u0301".repeat(4)}⟨U+0301⟩⟨U+0301⟩`);
  });

  it("cuts a very long line, saying how much is missing", () => {
    expect(escapeLine("x".repeat(2_500), 10)).toBe(`${"x".repeat(10)}… [+2490 characters]`);
  });

  it("leaves nothing in that a terminal acts on or hides, whatever comes in", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeLine(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(escapeText(text).replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe("escapeText", () => {
  it("keeps lines, takes Windows line ends as such, and widens tabs", () => {
    expect(escapeText("one\r\n\ttwo\nthree\u001B[2J")).toBe("one\n  two\nthree⟨U+001B⟩[2J");
  });
});
