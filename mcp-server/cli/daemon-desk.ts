/** What the command line may ask about the workspace's daemon. */
import type { PageOpened } from "../../shared/reports.ts";
import type { DaemonStatus } from "../../shared/control.ts";

export interface DaemonDesk {
  /** Null when none runs. */
  status(): Promise<DaemonStatus | null>;
  /** @returns how it is, whether this call started it, and the workspace's data folder, in which `daemon.json` tells how it is reached */
  start(): Promise<{ readonly status: DaemonStatus; readonly started: boolean; readonly dataDir: string }>;
  /** Opens the approval page in the person's browser; starts the daemon for that. @param approvalId what it shows first */
  openPage(approvalId: string | null): Promise<PageOpened>;
  /** Ends it; its runs stay in the journal. @returns false when none runs */
  stop(): Promise<boolean>;
  /** Is the daemon, in this process, until it is told to end or was idle for long enough. */
  serve(told: Promise<void>): Promise<void>;
  /** Serves an MCP client on this process's standard input and output until it goes. */
  serveMcp(): Promise<void>;
  /** Serves MCP clients over HTTP on loopback until it is told to end. @param port 0: any that is free */
  serveHttp(port: number, told: Promise<void>, ready: (at: { readonly url: string; readonly tokenFile: string }) => void): Promise<void>;
}
