/** Plain facts as OpenTelemetry's keyed values. */
import type { OtlpAttribute, OtlpValue } from "../../shared/otlp.ts";

/** What is null or undefined is not known and left out. A number is whole unless it is given as a double. */
export type Facts = Readonly<Record<string, Fact | null | undefined>>;

type Fact = string | number | boolean | { readonly double: number };

export function attributesOf(facts: Facts): readonly OtlpAttribute[] {
  return Object.entries(facts).flatMap(([key, fact]) => (fact === null || fact === undefined ? [] : [{ key, value: valueOf(fact) }]));
}

function valueOf(fact: Fact): OtlpValue {
  if (typeof fact === "string") return { stringValue: fact };
  if (typeof fact === "boolean") return { boolValue: fact };
  return typeof fact === "number" ? { intValue: String(Math.round(fact)) } : { doubleValue: fact.double };
}
