/** MCP clients that can be told of Bosun, and where each keeps what it is told. Paths and shapes are those of the clients' documentation. */
import { posix, win32 } from "node:path";

export interface ClientPlace {
  readonly platform: NodeJS.Platform;
  readonly homeDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly workspace: string;
}

export interface Started {
  readonly command: string;
  readonly args: readonly string[];
}

export interface ClientKind {
  readonly title: string;
  /** Of the configuration, absolute. */
  readonly file: (place: ClientPlace) => string;
  /** Keys from the top of that file down to our entry. */
  readonly path: readonly string[];
  readonly entry: (server: Started, place: ClientPlace) => object;
}

const join = ({ platform }: ClientPlace, ...parts: readonly string[]): string => (platform === "win32" ? win32 : posix).join(...parts);
/** Clients that serve all workspaces by one entry must be told which one is meant. */
const here = ({ workspace }: ClientPlace): object => ({ env: { BOSUN_WORKSPACE: workspace } });

export const CLIENTS: Readonly<Record<string, ClientKind>> = {
  "claude-code": {
    title: "Claude Code",
    file: (place) => join(place, place.workspace, ".mcp.json"),
    path: ["mcpServers", "bosun"],
    entry: (server) => server,
  },
  "claude-desktop": {
    title: "Claude Desktop",
    file: (place) => join(place, ...claudeFolder(place), "claude_desktop_config.json"),
    path: ["mcpServers", "bosun"],
    entry: (server, place) => ({ ...server, ...here(place) }),
  },
  "copilot-cli": {
    title: "Copilot CLI",
    file: (place) => join(place, place.homeDir, ".copilot", "mcp-config.json"),
    path: ["mcpServers", "bosun"],
    entry: (server, place) => ({ type: "local", ...server, ...here(place), tools: ["*"] }),
  },
  cursor: {
    title: "Cursor",
    file: (place) => join(place, place.workspace, ".cursor", "mcp.json"),
    path: ["mcpServers", "bosun"],
    entry: (server, place) => ({ ...server, ...here(place) }),
  },
  vscode: {
    title: "VS Code",
    file: (place) => join(place, place.workspace, ".vscode", "mcp.json"),
    path: ["servers", "bosun"],
    entry: (server) => ({ type: "stdio", ...server, env: { BOSUN_WORKSPACE: "${workspaceFolder}" } }),
  },
};

function claudeFolder({ platform, homeDir, env }: ClientPlace): readonly string[] {
  if (platform === "darwin") return [homeDir, "Library", "Application Support", "Claude"];
  if (platform === "win32") return [env["APPDATA"] ?? win32.join(homeDir, "AppData", "Roaming"), "Claude"];
  return [env["XDG_CONFIG_HOME"] ?? posix.join(homeDir, ".config"), "Claude"];
}
