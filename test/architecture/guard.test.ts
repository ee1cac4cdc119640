import { describe, expect, it } from "vitest";
import { nodeProblem } from "../../mcp-server/bosun-guard.ts";

describe("the check of the Node version", () => {
  it("accepts a Node with Node-API 10 or later", () => {
    expect(nodeProblem({ node: "24.1.0", napi: "10" })).toBeNull();
    expect(nodeProblem({ node: "26.0.0", napi: "11" })).toBeNull();
  });

  it("says which Node is needed and which one runs", () => {
    const problem = nodeProblem({ node: "20.20.2", napi: "9" });
    expect(problem).toContain("22.14");
    expect(problem).toContain("20.20.2");
  });

  it("refuses a runtime that does not say", () => {
    expect(nodeProblem({ node: "18.0.0" })).not.toBeNull();
  });
});
