/** How a command gets its service: lazily, so that help and wrong use never touch the data folder. */
import type { Service } from "../service.ts";

/** What is left out is found as always: environment, then defaults. */
export interface OpenServiceOptions {
  /** Data folder; the default is `BOSUN_HOME`, then the user's. */
  readonly home?: string;
  /** Workspace root; the default is `BOSUN_WORKSPACE`, then the current folder. */
  readonly workspace?: string;
  /** `provider:model` for all tiers. */
  readonly model?: string;
}

export type OpenService = (options: OpenServiceOptions) => Promise<Service>;
