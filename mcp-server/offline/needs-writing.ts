/** Does a worker's task want files changed? Told by the worker's trade and, where it may do both, by the words. */

/** Workers whose trade is to change files. */
const WRITERS: readonly string[] = ["coder", "writer"];
/** A debugger finds; whether it shall also mend is said. */
const MEND =
  /\b(?:fix|mend|repair|correct|solve|resolve|patch|make (?:it|the tests?) (?:work|pass))\b|beheb|korrigier|corrig|arregl|répar|修复|修正|直して|исправ/iu;

/** @param canWrite it has a tool that writes */
export function needsWriting(worker: string, task: string, canWrite: boolean): boolean {
  if (!canWrite || QUESTION.test(task)) return false;
  return WRITERS.includes(worker) || MEND.test(task) || (worker !== "debugger" && CHANGE.test(task));
}

/** Whoever asks how something is wants to know it, whatever it is about; `why don't we add` asks for it. */
const QUESTION =
  /^\s*(?:(?:where|what|which|who|whose|when|is|are|was|were|does|do|did)\b|how (?:is|are|does|do|did|many|much|long|often|come)\b|why (?:is|are|does|do|did)\b|wo\b|wie\b|was\b|wer\b|warum\b|où\b|comment\b|pourquoi\b|dónde|cómo|onde\b|где|как|почему)/iu;

/** For workers of a person's own. */
const CHANGE =
  /^\s*(?:please\s+|can you\s+|could you\s+)?(?:add|implement|write|create|build|change|rename|remove|delete|refactor|replace|convert|port|move|update|upgrade|generate|make|introduce|extract|translate|document)\b/iu;
