import { describe, expect, it } from "vitest";
import { crew } from "../support/crew-replies.ts";
import { noTerminal, openPlace } from "../support/real-program.ts";

describe.skipIf(noTerminal !== null)("Ctrl+Z on a real terminal", () => {
  it("stops the program, shows the cursor, and after `fg` draws below what was printed meanwhile", async (test) => {
    const answers = crew({ steps: [{ id: "look", worker: "researcher" }], turns: { researcher: [() => "hang"] } });
    const place = await openPlace(test, { files: { "a.txt": "hello\n" }, reply: answers });
    const shell = place.shell();
    await shell.waitFor("shell> ");
    shell.type('$BOSUN run "look at it" --worker researcher\r');
    await shell.waitFor("thinking");
    shell.type("\u001a");
    await shell.waitFor("Stopped");
    shell.type("echo between-$((40 + 2))\r");
    await shell.waitFor("between-42");
    shell.type("fg\r");
    await shell.waitFor("thinking");
    await shell.waitFor("thinking");
    shell.type("\u0003");
    await shell.waitFor("shell> ");
    shell.type("exit\r");
    const { stdout } = await shell.end;
    const [before = "", after = ""] = stdout.split("between-42");
    expect(before.lastIndexOf("\u001b[?25h")).toBeGreaterThan(before.lastIndexOf("\u001b[?25l"));
    // The shell names what goes on; then comes the drawing.
    const drawn = after.slice(after.indexOf("--worker researcher"));
    const first = drawn.slice(0, drawn.indexOf("look at it"));
    expect(first).toContain("\u001b[?25l");
    expect(first).not.toMatch(/\u001b\[\d+A/u);
    expect(after.lastIndexOf("\u001b[?25h")).toBeGreaterThan(after.lastIndexOf("\u001b[?25l"));
  });
});
