/** `npm run --silent bosun -- <args>`: the command line from a clone. */
import { runBuilt } from "./built.mjs";

await runBuilt(process.argv.slice(2));
