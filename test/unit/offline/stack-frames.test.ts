import { describe, expect, it } from "vitest";
import { fileOf, framesOf } from "../../../mcp-server/offline/stack-frames.ts";

describe("a stack trace", () => {
  it.each([
    [
      "node",
      "TypeError: x\n    at render (/srv/app/src/a.js:10:5)\n    at async main (file:///srv/app/b.mjs:3:1)\n    at /srv/app/c.js:7:2",
      ["/srv/app/src/a.js:10", "/srv/app/b.mjs:3", "/srv/app/c.js:7"],
    ],
    ["python", 'Traceback\n  File "/srv/app/main.py", line 12, in <module>\n    run()', ["/srv/app/main.py:12"]],
    ["java", "\tat com.acme.Pool.get(Pool.java:33)\n\tat com.acme.Main.main(Main.java:9)", ["Pool.java:33", "Main.java:9"]],
    ["go", "goroutine 1 [running]:\nmain.run()\n\t/app/main.go:21 +0x1d", ["/app/main.go:21"]],
    ["rust", "thread 'main' panicked at src/config.rs:88:34:", ["src/config.rs:88"]],
    ["c#", "   at Acme.Run() in C:\\src\\Acme\\Run.cs:line 14", ["C:/src/Acme/Run.cs:14"]],
    ["tsc", "src/app.ts(12,5): error TS2322", ["src/app.ts:12"]],
    ["gcc", "src/main.c:40:3: error: expected ';'", ["src/main.c:40"]],
  ])("of %s names its places in order", (_, text, places) => {
    expect(framesOf(text).map(({ path, line }) => `${path}:${line}`)).toEqual(places);
  });

  it("is none in plain words, and stays short", () => {
    expect(framesOf("the meeting is at 10:30, see http://localhost:8080/x and a ratio of 3:1")).toEqual([]);
    expect(framesOf(Array.from({ length: 500 }, (_, at) => `at f (a${at}.js:${at + 1}:1)`).join("\n"))).toHaveLength(30);
  });

  it("leads to files of the workspace by the longest common end of the path", () => {
    const files = ["src/a.js", "lib/src/a.js", "lib/b.js", "main.py", "com/acme/Pool.java"];
    const fileFor = (path: string) => fileOf({ path, line: 1 }, files);
    expect(fileFor("/srv/app/lib/src/a.js")).toBe("lib/src/a.js");
    expect(fileFor("/srv/app/src/a.js")).toBe("src/a.js");
    expect(fileFor("/elsewhere/main.py")).toBe("main.py");
    expect(fileFor("Pool.java")).toBe("com/acme/Pool.java");
    expect(fileFor("./lib/b.js")).toBe("lib/b.js");
    expect(fileFor("/usr/lib/node/b.js")).toBeNull();
    expect(fileFor("/usr/lib/other.js")).toBeNull();
  });
});
