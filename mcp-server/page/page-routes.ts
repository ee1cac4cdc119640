/** What the approval page may ask for: what is open, what it is about, and a person's decision. */
import * as z from "zod";
import { approvalChoiceSchema } from "../../shared/approval-choice.ts";
import { BosunError } from "../../shared/errors.ts";
import type { Service } from "../service.ts";

export interface PageAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

const decisionSchema = z.discriminatedUnion("decision", [
  z.strictObject({ decision: z.literal("approve"), digest: z.string().max(200), ...approvalChoiceSchema.shape }),
  z.strictObject({ decision: z.literal("reject"), digest: z.string().max(200), reason: z.string().trim().min(1).max(2_000) }),
]);

const APPROVAL = /^\/api\/approvals\/([^/]{1,200})$/u;

/** @throws BosunError not_found, invalid_input, and what the decision throws */
export async function answerPage(service: Service, { method, path, body }: PageRequest): Promise<PageAnswer> {
  if (method === "GET" && path === "/api/approvals") {
    const approvals = service.listApprovals().map((approval) => ({ ...approval, task: service.getRun(approval.run_id).task }));
    return json({ approvals });
  }
  const id = APPROVAL.exec(path)?.[1];
  if (id === undefined) throw new BosunError("not_found", `there is nothing at ${path}`);
  const approvalId = decodeURIComponent(id);
  if (method === "GET") {
    const detail = service.getApproval(approvalId);
    return json({ ...detail, task: service.getRun(detail.approval.run_id).task });
  }
  if (method !== "POST") throw new BosunError("invalid_input", `${method} is not for ${path}`);
  const parsed = decisionSchema.safeParse(body);
  if (!parsed.success)
    throw new BosunError(
      "invalid_input",
      parsed.error.issues.map((issue) => `${issue.path.join(".") || "decision"}: ${issue.message}`).join("; "),
    );
  await service.decide(approvalId, { ...parsed.data, channel: "page" });
  return json({ decided: parsed.data.decision });
}

function json(value: object): PageAnswer {
  return { status: 200, type: "application/json", body: JSON.stringify(value) };
}
