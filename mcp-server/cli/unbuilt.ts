/** Commands that have a name already but are not built: asking for one is told so, never answered by pretending. */

const UNBUILT: Readonly<Record<string, string>> = {
  memory: "There is no memory yet.",
};

/** What to say about such a command; null if the name means nothing to us. */
export function unbuiltMessage(name: string): string | null {
  const instead = Object.hasOwn(UNBUILT, name) ? UNBUILT[name] : undefined;
  return instead === undefined ? null : `\`bosun ${name}\` is not built in this version. ${instead}`;
}
