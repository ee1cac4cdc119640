/**
 * Questions about this repository, answered without a language model by the whole program: how often a true file comes first, and how often
 * it is among the first three. `npm run bench -- offline [show]`
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openService } from "../mcp-server/compose.ts";

interface Asked {
  readonly question: string;
  /** Those that answer it. */
  readonly files: readonly string[];
}

const root = join(import.meta.dirname, "../..");
const show = process.argv[2] === "show";
const home = mkdtempSync(join(tmpdir(), "bosun-bench-"));
const service = openService({
  system: { platform: process.platform, env: { BOSUN_HOME: home, BOSUN_MODEL: "offline" }, homeDir: home },
  workspace: root,
  folder: root,
});
try {
  for (const name of ["offline-questions", "offline-questions-apart"]) {
    const asked = readFileSync(join(root, `test/data/${name}.jsonl`), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Asked);
    let first = 0;
    let three = 0;
    const times: number[] = [];
    for (const { question, files } of asked) {
      const began = performance.now();
      const view = await service.settled(await service.startRun({ task: question }));
      times.push(performance.now() - began);
      const named = [...(view.answer ?? "").matchAll(/^\*\*(.+):\d+\*\*$/gmu)].map((match) => match[1] ?? "").slice(0, 3);
      const place = named.findIndex((path) => files.includes(path));
      if (place === 0) first += 1;
      if (place >= 0) three += 1;
      if (show && place !== 0)
        process.stdout.write(
          `${place < 0 ? "MISS" : ` ${place + 1}  `} ${question}\n       ${named.join(" ")}\n       ${view.workers.join()} wanted ${files.join(" ")}\n`,
        );
    }
    const mean = times.reduce((sum, each) => sum + each, 0) / times.length;
    process.stdout.write(
      `${name}: ${asked.length} questions, a true file first ${first}, among the first three ${three}; ${mean.toFixed(0)} ms a question\n`,
    );
  }
} finally {
  await service.close();
  rmSync(home, { recursive: true, force: true });
}
