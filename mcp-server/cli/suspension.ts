/** Ctrl+Z and `fg`: tells who draws before the process stops and when it goes on, and really stops in between. */

/** The part of a process that this needs. */
export interface Suspendable {
  readonly pid: number;
  on(signal: "SIGTSTP" | "SIGCONT", fn: () => void): unknown;
  off(signal: "SIGTSTP" | "SIGCONT", fn: () => void): unknown;
  kill(pid: number, signal: "SIGTSTP"): unknown;
}

interface Watcher {
  readonly before: () => void;
  readonly after: () => void;
}

/** How long a stop may take to arrive; after that the system has refused it, as it does where no shell could ever say `fg`. */
const STOP_MS = 200;

/** Listens only while someone watches; else Ctrl+Z does what it always does. */
export function createSuspension(process: Suspendable): { on(watcher: Watcher): () => void } {
  const watchers = new Set<Watcher>();
  let stopping = false;
  // The signal to go on comes once for each stop, at times after we see that we go on.
  let awaited = false;
  const stop = (): void => {
    for (const { before } of watchers) before();
    stopping = true;
    awaited = true;
    // With no listener the signal has its own effect: it stops the process.
    process.off("SIGTSTP", stop);
    process.kill(process.pid, "SIGTSTP");
    setTimeout(goOn, STOP_MS).unref();
  };
  const goOn = (): void => {
    if (!stopping) return;
    stopping = false;
    if (watchers.size > 0) process.on("SIGTSTP", stop);
    for (const { after } of watchers) after();
  };
  const continued = (): void => {
    if (!awaited) {
      // Stopped by a signal that nobody can listen to.
      for (const { before, after } of watchers) {
        before();
        after();
      }
    }
    awaited = false;
    goOn();
  };
  return {
    on: (watcher) => {
      if (watchers.size === 0) {
        process.on("SIGTSTP", stop);
        process.on("SIGCONT", continued);
      }
      watchers.add(watcher);
      return () => {
        watchers.delete(watcher);
        if (watchers.size > 0) return;
        process.off("SIGTSTP", stop);
        process.off("SIGCONT", continued);
      };
    },
  };
}
