/** `npm start`: the demonstration; `npm start -- "<task>"`: that task on the folder where npm was called. */
import { runBuilt } from "./built.mjs";

const args = process.argv.slice(2);
await runBuilt(args.length === 0 ? ["demo"] : ["run", ...args]);
