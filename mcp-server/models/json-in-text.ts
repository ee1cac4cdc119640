/** Finds the JSON in what a model wrote when it was asked for JSON alone: plain, in a code fence, or with words around it. */

export type FoundJson = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

const MAX_CHARACTERS = 1_000_000;

function parse(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** Contents of Markdown code fences, in order. */
function fenced(text: string): string[] {
  const found: string[] = [];
  let open: { readonly mark: string; readonly lines: string[] } | null = null;
  for (const line of text.split("\n")) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (open === null) {
      if (mark !== undefined) open = { mark, lines: [] };
    } else if (mark !== undefined && mark.startsWith(open.mark)) {
      found.push(open.lines.join("\n"));
      open = null;
    } else {
      open.lines.push(line);
    }
  }
  return open === null ? found : [...found, open.lines.join("\n")];
}

/** From the first bracket that opens to the last of its kind that closes. */
function bracketed(text: string): string[] {
  const start = text.search(/[{[]/);
  if (start === -1) return [];
  const end = text.lastIndexOf(text[start] === "{" ? "}" : "]");
  return end > start ? [text.slice(start, end + 1)] : [];
}

export function findJson(text: string): FoundJson {
  if (text.length > MAX_CHARACTERS) return { ok: false, error: `the reply is longer than ${MAX_CHARACTERS} characters` };
  const spoken = text.replace(/^\s*<think>[\s\S]*?<\/think>/, "").trim();
  if (spoken === "") return { ok: false, error: "the reply is empty" };
  for (const candidate of [spoken, ...fenced(spoken), ...bracketed(spoken)]) {
    const found = parse(candidate);
    if (found !== null) return { ok: true, value: found.value };
  }
  return { ok: false, error: "the reply is not valid JSON; answer with JSON alone" };
}
