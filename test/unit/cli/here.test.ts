import { describe, expect, it } from "vitest";
import { bosunHere, commandsHere } from "../../../mcp-server/cli/here.ts";

const at = { cwd: "/clone", packageRoot: "/clone" };
const npm = { npm_config_user_agent: "npm/11", npm_package_name: "bosun" };

describe("commands in hints", () => {
  it("are called by name unless npm started us from the clone", () => {
    expect(bosunHere({ ...at, env: {} })).toBe("bosun");
    expect(bosunHere({ ...at, env: { ...npm, npm_lifecycle_event: "npx" } })).toBe("bosun");
    expect(bosunHere({ ...at, env: { ...npm, npm_lifecycle_event: "start", npm_package_name: "shop" } })).toBe("bosun");
    for (const script of ["start", "bosun"])
      expect(bosunHere({ ...at, env: { ...npm, npm_lifecycle_event: script } })).toBe("npm run --silent bosun --");
  });

  it("name the clone when they are called from elsewhere", () => {
    const env = { ...npm, npm_lifecycle_event: "bosun" };
    expect(bosunHere({ ...at, cwd: "/shop", env })).toBe("npm --prefix /clone run --silent bosun --");
    expect(bosunHere({ cwd: "/shop", packageRoot: "/my clone", env })).toBe('npm --prefix "/my clone" run --silent bosun --');
  });

  it("are replaced in backticks only", () => {
    const io = { ...at, env: { ...npm, npm_lifecycle_event: "bosun" } };
    expect(commandsHere(io, "bosun: `bosun show run_a`, `bosun.json`")).toBe("bosun: `npm run --silent bosun -- show run_a`, `bosun.json`");
  });
});
