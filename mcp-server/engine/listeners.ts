/** Who is told what happens. */
import type { EngineNote } from "./port.ts";

export class Listeners {
  readonly #listeners = new Set<(note: EngineNote) => void>();
  /** What is still to be told, in order; null while nobody is telling. */
  #notes: EngineNote[] | null = null;

  /** @returns what takes it off again */
  add(listener: (note: EngineNote) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * A listener that fails has only itself to blame: what it is told of has happened. What one of them causes is told after what all of them
   * are being told.
   */
  tell(note: EngineNote): void {
    if (this.#notes !== null) {
      this.#notes.push(note);
      return;
    }
    this.#notes = [note];
    for (const each of this.#notes) {
      for (const listener of this.#listeners) {
        try {
          listener(each);
        } catch {
          this.#listeners.delete(listener);
        }
      }
    }
    this.#notes = null;
  }
}
