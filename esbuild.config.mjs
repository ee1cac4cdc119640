/**
 * Builds the program: `dist/bosun.mjs` (the check of the Node version, then the program), `dist/bosun-main.mjs` (the command line and
 * what talks to a daemon), `dist/bosun-service.mjs` (what does the work, loaded when some is to be done) and the approval page. Each file is put into place by a rename, so that a process that starts meanwhile never reads half of it.
 */
import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build as esbuild } from "esbuild";

const root = import.meta.dirname;
const dist = join(root, "dist");

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22.14",
  // One byte a character in memory, too.
  charset: "ascii",
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "warning",
  write: false,
};

/** @type {import("esbuild").Plugin} the program stays a file of its own, loaded only after the check */
const programIsSeparate = {
  name: "program-is-separate",
  setup(build) {
    build.onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: "./bosun-main.mjs", external: true }));
  },
};

/** @type {import("esbuild").Plugin} whoever only hands messages on to a daemon does not load what does the work */
const serviceIsSeparate = {
  name: "service-is-separate",
  setup(build) {
    build.onResolve({ filter: /^\.\/compose\.ts$/ }, () => ({ path: "./bosun-service.mjs", external: true }));
  },
};

const mainBanner = `import { createRequire as bosunCreateRequire } from "node:module";
const require = bosunCreateRequire(import.meta.url);`;

/** Builds everything into `dist/`. */
export async function build() {
  const program = {
    ...common,
    external: ["better-sqlite3"],
    // Its other form loads its parts by names that no bundler can follow.
    alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
    loader: { ".md": "text", ".weights": "text" },
    banner: { js: mainBanner },
  };
  const built = await Promise.all([
    esbuild({ ...program, entryPoints: ["mcp-server/main.ts"], outfile: "dist/bosun-main.mjs", plugins: [serviceIsSeparate] }),
    esbuild({ ...program, entryPoints: ["mcp-server/compose.ts"], outfile: "dist/bosun-service.mjs" }),
    esbuild({
      ...common,
      platform: "browser",
      target: "es2023",
      entryPoints: { "approval-page": "mcp-server/page/ui/page.ts", "approval-page-style": "mcp-server/page/ui/page.css" },
      outdir: "dist",
    }),
    esbuild({
      ...common,
      loader: { ".html": "copy" },
      entryPoints: { "approval-page": "mcp-server/page/ui/page.html" },
      outdir: "dist",
    }),
    esbuild({
      ...common,
      // Old syntax, so that an old Node gets as far as the message.
      target: "es2022",
      entryPoints: ["mcp-server/bosun.ts"],
      outfile: "dist/bosun.mjs",
      plugins: [programIsSeparate],
      banner: { js: "#!/usr/bin/env node" },
    }),
  ]);
  await mkdir(dist, { recursive: true });
  for (const file of built.flatMap(({ outputFiles }) => outputFiles)) await putInPlace(file.path, file.contents);
}

async function putInPlace(path, contents) {
  const temporary = join(dist, `.${basename(path)}.${process.pid}`);
  await writeFile(temporary, contents);
  await chmod(temporary, 0o755);
  await rename(temporary, path);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await build();
