/** Globs over paths, as list_files and search_text take them. */
import picomatch from "picomatch";
import { BosunError } from "../../shared/errors.ts";
import { isCheapGlob } from "./cost-of-glob.ts";

/**
 * A test for paths below a folder. A glob without `/` is matched against the file's name alone, one with `/` against the path below the folder.
 * @param folder canonical path
 * @throws BosunError invalid_input for a glob with so many wildcards that matching could take for ever
 */
export function pathMatcher(glob: string | undefined, folder: string): (path: string) => boolean {
  const wanted = glob?.replace(/^(?:\.\/+)+/u, "") ?? "";
  // All that is below the folder.
  if (glob === undefined || wanted === "") return () => true;
  if (!isCheapGlob(glob))
    throw new BosunError(
      "invalid_input",
      `The glob ${JSON.stringify(glob.slice(0, 100))} is too long or has too many wildcards: at most three \`*\` in a part and three \`**\`.`,
    );
  const matches = picomatch(wanted, {
    dot: true,
    noextglob: true,
    matchBase: !glob.includes("/"),
    strictSlashes: true,
  });
  const skip = folder === "." ? 0 : folder.length + 1;
  return (path) => matches(path.slice(skip));
}
