import { describe, expect, test } from "vitest";
import { readRateHeaders } from "../../../mcp-server/models/rate-headers.ts";

const NOW = Date.parse("2026-11-01T12:00:00Z");
const read = (headers: Record<string, string>) => readRateHeaders(new Headers(headers), NOW);

describe("limits in the headers of an answer", () => {
  test.each([
    ["1s", 1000],
    ["6m0s", 360_000],
    ["120ms", 120],
    ["2m59.56s", 179_560],
    ["1h2m", 3_720_000],
    ["17", 17_000],
    ["0.5", 500],
    [String(NOW / 1000 + 20), 20_000],
    [String(NOW + 5000), 5000],
    ["2026-11-01T12:00:30Z", 30_000],
    ["2026-11-01T11:00:00Z", 0],
    ["400d", 86_400_000],
    ["soon", null],
    ["1s or so", null],
    ["-5", null],
    ["", null],
    ["9".repeat(400), null],
  ])("a reset of %j is in %j ms", (reset, resetMs) => {
    expect(read({ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset }).requests).toEqual({
      limit: null,
      remaining: 0,
      resetMs,
    });
  });
  test("requests and tokens as OpenAI says them", () => {
    expect(
      read({
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
      }),
    ).toEqual({ requests: { limit: 60, remaining: 59, resetMs: 1000 }, tokens: { limit: 150_000, remaining: 149_984, resetMs: 360_000 } });
  });
  test("requests and tokens as Anthropic says them", () => {
    expect(
      read({
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "3",
        "anthropic-ratelimit-requests-reset": "2026-11-01T12:00:07Z",
        "anthropic-ratelimit-tokens-limit": "40000",
        "anthropic-ratelimit-tokens-remaining": "39000",
        "anthropic-ratelimit-tokens-reset": "2026-11-01T12:01:00Z",
      }),
    ).toEqual({ requests: { limit: 50, remaining: 3, resetMs: 7000 }, tokens: { limit: 40_000, remaining: 39_000, resetMs: 60_000 } });
  });
  test("both forms of the IETF's draft, of several policies the one with the least left", () => {
    const first = read({ "RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "50", "RateLimit-Reset": "50" });
    expect(first.requests).toEqual({ limit: 100, remaining: 50, resetMs: 50_000 });
    const later = read({ "RateLimit-Policy": '"day";q=1000;w=86400, "burst";q=10;w=1', RateLimit: '"day";r=900;t=80000, "burst";r=2;t=1' });
    expect(later).toEqual({ requests: { limit: 10, remaining: 2, resetMs: 1000 }, tokens: null });
  });
  test("nothing where nothing or nonsense is said", () => {
    expect(read({})).toEqual({ requests: null, tokens: null });
    expect(read({ "x-ratelimit-remaining-requests": "many", ratelimit: "x".repeat(5000) })).toEqual({ requests: null, tokens: null });
  });
});
