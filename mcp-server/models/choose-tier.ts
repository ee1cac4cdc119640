/** The tier that a call is served by: what was asked for, moved by how hard the work is and how little money is left. Pure. */
import { TIERS, type Purpose, type Tier } from "../../shared/model.ts";

export interface TierWish {
  readonly tier: Tier;
  readonly purpose: Purpose;
  /** How hard the task is, 0..1; null: nobody said. */
  readonly complexity: number | null;
  /** Share of the tightest cap that is used, 0..1; 0 where there is no cap. */
  readonly pressure: number;
}

export interface TierChoice {
  readonly tier: Tier;
  /** `tier medium`, `tier large, up one for complexity 0.82`. */
  readonly why: string;
}

const HARD = 0.7;
const TIGHT = 0.8;
const TIGHTEST = 0.95;

/** Complexity of {@link HARD} or more moves work up by one; a cap that is used to 80 % moves any call down by one, to 95 % by two. */
export function chooseTier({ tier, purpose, complexity, pressure }: TierWish): TierChoice {
  const asked = TIERS.indexOf(tier);
  const up = purpose === "work" && complexity !== null && complexity >= HARD ? 1 : 0;
  const down = pressure >= TIGHTEST ? 2 : pressure >= TIGHT ? 1 : 0;
  const raised = Math.min(asked + up, TIERS.length - 1);
  const chosen = Math.max(raised - down, 0);
  const moves = [
    ...(raised > asked ? [`up one for complexity ${complexity?.toFixed(2) ?? ""}`] : []),
    ...(chosen < raised ? [`down ${raised - chosen === 2 ? "two" : "one"} for ${Math.floor(pressure * 100)} % of a cap used`] : []),
  ];
  const found = TIERS[chosen] ?? tier;
  return { tier: found, why: [`tier ${found}`, ...moves].join(", ") };
}
