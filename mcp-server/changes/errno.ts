/** `ENOENT` and the like, of an error of the operating system; undefined for any other. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** The same in words, for a message that ends with a reason. */
export function reasonOf(error: unknown): string {
  const code = errnoOf(error);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full";
    case "EACCES":
    case "EPERM":
      return "permission is missing";
    case "EROFS":
      return "the disk is read-only";
    default:
      return code ?? (error instanceof Error ? error.message : String(error));
  }
}
