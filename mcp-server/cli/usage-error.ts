/** Wrong use of an option, found by us; the message gets where to read on. */
import { BosunError } from "../../shared/errors.ts";

export class UsageError extends BosunError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super("invalid_input", message, options);
  }
}
