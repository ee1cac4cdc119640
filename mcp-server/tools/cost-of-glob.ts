/**
 * Globs become regular expressions that can take exponential time on a file name made for it. Few wildcards keep that bounded; this
 * many are enough for any pattern seen in practice.
 */
const MAX_LENGTH = 512;
const MAX_STARS_IN_PART = 3;
const MAX_DEEP_STARS = 3;

/** Can this glob be matched against any name in reasonable time? */
export function isCheapGlob(glob: string): boolean {
  if (glob.length > MAX_LENGTH) return false;
  const parts = glob.split("/");
  const deep = parts.filter((part) => part === "**").length;
  return deep <= MAX_DEEP_STARS && parts.every((part) => part === "**" || (part.match(/\*+/gu) ?? []).length <= MAX_STARS_IN_PART);
}
