/** Who may import whom, as functions that say what is wrong with an import, or null. The linter holds the same rules. */
import { posix } from "node:path";
import type { Import } from "./source-files.ts";

type Rule = (edge: Import) => string | null;

const ADAPTER = /(^|\/)(sqlite|openai|scripted|embedded)-[^/]*\.ts$/;
const ROOTS = { has: (path: string): boolean => /^mcp-server\/(compose\.ts|main\.ts|composition\/[^/]+\.ts)$/u.test(path) };
/** What the adapters of `budget/` need for a file of their own. */
const SQLITE_FILES = new Set(["mcp-server/journal/open-database.ts", "mcp-server/journal/private-file.ts"]);
/** The executable's first lines: they check the Node version and then load main.ts. */
const ENTRY = "mcp-server/bosun.ts";

const inside = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
const isTest = (path: string): boolean => inside(path, "test") || inside(path, "bench");

/** An import of anything but shared and the folder itself. */
function strayFrom(edge: Import, folder: string): string | null {
  return inside(edge.from, folder) && !inside(edge.to, "shared") && !inside(edge.to, folder) ? `${edge.from} imports ${edge.to}` : null;
}

export const RULES: Readonly<Record<string, Rule>> = {
  "shared imports nothing of ours": (edge) =>
    inside(edge.from, "shared") && edge.ours && !inside(edge.to, "shared") ? `${edge.from} imports ${edge.to}` : null,
  "shared depends on zod alone": (edge) =>
    inside(edge.from, "shared") && !edge.ours && edge.to !== "zod" ? `${edge.from} imports ${edge.to}` : null,
  "the supervisor imports shared and itself only, and nothing dynamically": (edge) =>
    inside(edge.from, "mcp-server/supervisor") && (edge.dynamic || !(inside(edge.to, "shared") || inside(edge.to, "mcp-server/supervisor")))
      ? `${edge.from} imports ${edge.to}`
      : null,
  "budgets are counted by shared and themselves alone; their adapters also know how a file is opened": (edge) =>
    inside(edge.from, "mcp-server/budget") &&
    edge.ours &&
    !inside(edge.to, "shared") &&
    !inside(edge.to, "mcp-server/budget") &&
    !(ADAPTER.test(edge.from) && SQLITE_FILES.has(edge.to))
      ? `${edge.from} imports ${edge.to}`
      : null,
  "what tells a task from its words knows shared and itself alone; its cache also knows how a file is opened": (edge) =>
    inside(edge.from, "mcp-server/routing") &&
    edge.ours &&
    !inside(edge.to, "shared") &&
    !inside(edge.to, "mcp-server/routing") &&
    !(ADAPTER.test(edge.from) && edge.to === "mcp-server/models/cache-file.ts")
      ? `${edge.from} imports ${edge.to}`
      : null,
  "what speaks MCP or the control protocol knows the service, shared and itself": (edge) =>
    ["mcp-server/mcp", "mcp-server/control"].some((folder) => inside(edge.from, folder) && edge.ours && !inside(edge.to, folder)) &&
    !inside(edge.to, "shared") &&
    !(inside(edge.from, "mcp-server/control") && inside(edge.to, "client")) &&
    edge.to !== "mcp-server/service.ts"
      ? `${edge.from} imports ${edge.to}`
      : null,
  "only its own folder knows the MCP SDK": (edge) =>
    edge.to.startsWith("@modelcontextprotocol/") && !inside(edge.from, "mcp-server/mcp") && !isTest(edge.from)
      ? `${edge.from} imports ${edge.to}`
      : null,
  "packing what a session said is pure": (edge) => strayFrom(edge, "mcp-server/memory"),
  "answering without a language model is pure": (edge) => strayFrom(edge, "mcp-server/offline"),
  "what reaches the daemon imports shared and itself only": (edge) => (edge.ours ? strayFrom(edge, "client") : null),
  "the extension never imports the server": (edge) =>
    inside(edge.from, "extension") && inside(edge.to, "mcp-server") ? `${edge.from} imports ${edge.to}` : null,
  "only the composition roots name concrete adapters": (edge) =>
    edge.ours && ADAPTER.test(edge.to) && posix.dirname(edge.from) !== posix.dirname(edge.to) && !ROOTS.has(edge.from) && !isTest(edge.from)
      ? `${edge.from} imports ${edge.to}`
      : null,
  "nobody imports the composition roots": (edge) =>
    ROOTS.has(edge.to) && !ROOTS.has(edge.from) && edge.from !== ENTRY && !isTest(edge.from) ? `${edge.from} imports ${edge.to}` : null,
  "the command line knows the service, shared and itself": (edge) =>
    inside(edge.from, "mcp-server/cli") &&
    edge.ours &&
    !inside(edge.to, "mcp-server/cli") &&
    !inside(edge.to, "shared") &&
    edge.to !== "mcp-server/service.ts"
      ? `${edge.from} imports ${edge.to}`
      : null,
};

/** One cycle of imports, as the files on it, or null. */
export function findCycle(edges: readonly Import[]): readonly string[] | null {
  const next = new Map<string, string[]>();
  for (const edge of edges) if (edge.ours) next.set(edge.from, [...(next.get(edge.from) ?? []), edge.to]);
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): readonly string[] | null => {
    const at = trail.indexOf(file);
    if (at >= 0) return [...trail.slice(at), file];
    if (done.has(file)) return null;
    for (const to of next.get(file) ?? []) {
      const cycle = visit(to, [...trail, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of next.keys()) {
    const cycle = visit(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
