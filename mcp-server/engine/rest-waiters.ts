/** Who waits for a run to come to rest: to end, to wait for a person, or to be held. */
export class RestWaiters {
  readonly #waiting = new Map<string, { readonly resolve: () => void; readonly reject: (error: unknown) => void }[]>();

  wait(runId: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiting.get(runId) ?? [];
      waiters.push({ resolve, reject });
      this.#waiting.set(runId, waiters);
    });
  }

  resolve(runId: string): void {
    const waiters = this.#waiting.get(runId) ?? [];
    this.#waiting.delete(runId);
    for (const { resolve } of waiters) resolve();
  }

  rejectAll(error: unknown): void {
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const { reject } of all) reject(error);
  }
}
