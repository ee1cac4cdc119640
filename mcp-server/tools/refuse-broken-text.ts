import { BosunError } from "../../shared/errors.ts";

/** Text with half a surrogate pair cannot be stored as it is: UTF-8 has no form for it. @throws BosunError invalid_input */
export function refuseBrokenText(name: string, text: string): void {
  const at = text.search(/\p{Cs}/u);
  if (at !== -1)
    throw new BosunError("invalid_input", `The argument ${name} is not well-formed Unicode text: half a character at position ${at}.`);
}
