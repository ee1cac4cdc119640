/** What has caps: a call, a run, a session, a day; what counts against them, and how much of them is used. Pure. */
export type ScopeName = "call" | "run" | "session" | "day";

/** null: no cap. */
export interface Cap {
  readonly usd: number | null;
  /** Prompt and completion tokens together. */
  readonly tokens: number | null;
  readonly seconds: number | null;
}

export interface Spending {
  /** null when the price of some of it is not known. */
  readonly usd: number | null;
  /** Prompt and completion tokens together. */
  readonly tokens: number;
}

/** Something that has caps, and what counts against them. */
export interface Scope {
  readonly scope: ScopeName;
  readonly cap: Cap;
  /** Settled. `seconds` left out: nobody counts them here, and a cap in seconds is not looked at. */
  readonly used: Spending & { readonly seconds?: number };
  /** Set aside for others at its upper bound, and not settled. */
  readonly reserved: Spending;
}

/** A cap and how much of it is used, 0 to 1. */
export interface Share {
  readonly scope: ScopeName;
  readonly unit: "usd" | "tokens" | "seconds";
  readonly cap: number;
  readonly used: number;
  readonly share: number;
}

/** Every cap, the one of which most is used first. What is set aside does not count: it mostly comes back. */
function sharesOf(scopes: readonly Scope[]): readonly Share[] {
  const shares = scopes.flatMap(({ scope, cap, used }) =>
    (["usd", "tokens", "seconds"] as const).flatMap((unit): Share[] => {
      const [most, now] = [cap[unit], used[unit] ?? null];
      if (most === null || now === null) return [];
      return [{ scope, unit, cap: most, used: now, share: most === 0 ? 1 : Math.min(1, now / most) }];
    }),
  );
  return shares.toSorted((a, b) => b.share - a.share);
}

/** The cap of which most is used; null where there is none. */
export function tightestOf(scopes: readonly Scope[]): Share | null {
  return sharesOf(scopes)[0] ?? null;
}

/** Caps that are used up to `alertAt` (0 to 1) or beyond, the tightest first. */
export function alertsOf(scopes: readonly Scope[], alertAt: number): readonly Share[] {
  return sharesOf(scopes).filter(({ share }) => share >= alertAt);
}

/** What they come to together; money is unknown when some of it is. */
export function addSpendings(all: readonly Spending[]): Spending {
  return all.reduce(
    (sum, { usd, tokens }) => ({ usd: sum.usd === null || usd === null ? null : sum.usd + usd, tokens: sum.tokens + tokens }),
    { usd: 0, tokens: 0 },
  );
}
