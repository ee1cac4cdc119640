/** Another process that wants the data folder: says "taken", or why not. */
import { isBosunError } from "../../../shared/errors.ts";
import { takeOwnerLock } from "../../../mcp-server/journal/owner-lock.ts";

try {
  takeOwnerLock(process.argv[2] ?? "").release();
  process.stdout.write("taken");
} catch (error) {
  process.stdout.write(isBosunError(error) ? error.code : String(error));
}
