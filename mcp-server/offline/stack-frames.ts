/** Places in files that a stack trace or a compiler's message names. */

export interface Frame {
  /** As it stands there, with `/` as separator. */
  readonly path: string;
  readonly line: number;
}

const MAX_FRAMES = 30;

/** One way to write a place each; groups: path, line. */
const FORMS: readonly RegExp[] = [
  /File "([^"\n]+)", line (\d+)/gu,
  /\(((?:file:\/\/)?[^()\s"']+?\.\w{1,5}):(\d+)(?::\d+)?\)/gu,
  /\bat (?:async )?((?:file:\/\/)?\/?[^()\s"']+?\.\w{1,5}):(\d+)/gu,
  /(?:^|\s|['"(])((?:[A-Za-z]:)?[\w@./\\-]+\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|rb|cs|cpp|cc|c|h|hpp|php|swift|scala|vue|svelte)):(\d+)/gmu,
  /((?:[A-Za-z]:)?[\w@./\\-]+\.cs):line (\d+)/gu,
  /((?:[A-Za-z]:)?[\w@./\\-]+\.tsx?)\((\d+),\d+\)/gu,
];

/** In the order in which they stand there, each once. */
export function framesOf(text: string): readonly Frame[] {
  const found = FORMS.flatMap((form) =>
    [...text.slice(0, 100_000).matchAll(form)].map((match) => ({
      at: match.index,
      path: (match[1] ?? "").replace(/^file:\/\//u, "").replaceAll("\\", "/"),
      line: Number(match[2]),
    })),
  ).toSorted((a, b) => a.at - b.at);
  const frames = new Map<string, Frame>();
  for (const { path, line } of found) if (line > 0) frames.set(`${path}:${line}`, { path, line });
  return [...frames.values()].slice(0, MAX_FRAMES);
}

/** The file of the workspace that is meant, by the longest common end of the paths; null when there is none. */
export function fileOf(frame: Frame, files: readonly string[]): string | null {
  const wanted = frame.path
    .replace(/^(\.\/)+/u, "")
    .split("/")
    .filter((part) => part !== "");
  let best: { readonly file: string; readonly parts: number } | null = null;
  for (const file of files) {
    const parts = commonEnd(wanted, file.split("/"));
    if (parts > 0 && (best === null || parts > best.parts)) best = { file, parts };
  }
  if (best === null) return null;
  // The name alone is enough for a bare name, or where the file lies in no folder.
  const whole = best.parts === wanted.length || best.parts === best.file.split("/").length;
  return whole || best.parts > 1 ? best.file : null;
}

function commonEnd(a: readonly string[], b: readonly string[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a[a.length - 1 - count] === b[b.length - 1 - count]) count += 1;
  return count;
}
