/** What the page asks of the server that it came from. */
import type { ApprovalChoice } from "../../../shared/approval-choice.ts";
import type { ApprovalDetail } from "../../../shared/reports.ts";
import type { ApprovalView } from "../../../shared/run-view.ts";

export type Listed = ApprovalView & { readonly task: string };
export type Detail = ApprovalDetail & { readonly task: string };
export type Decision = ({ readonly decision: "approve" } & ApprovalChoice) | { readonly decision: "reject"; readonly reason: string };

export interface Requests {
  list(): Promise<readonly Listed[]>;
  detail(approvalId: string): Promise<Detail>;
  decide(approvalId: string, decision: Decision & { readonly digest: string }): Promise<void>;
}

/** @param token of the address that opened the page; null: it was loaded again @throws Error with what a person can do */
export async function openSession(token: string | null): Promise<Requests> {
  const { csrf } = (await (token === null ? ask("/session") : ask("/session", { token }))) as { readonly csrf: string };
  const path = (id: string): string => `/api/approvals/${encodeURIComponent(id)}`;
  return {
    list: async () => ((await ask("/api/approvals")) as { readonly approvals: readonly Listed[] }).approvals,
    detail: async (id) => (await ask(path(id))) as Detail,
    decide: async (id, decision) => void (await ask(path(id), decision, csrf)),
  };
}

async function ask(path: string, body?: object, csrf?: string): Promise<unknown> {
  const sent: RequestInit =
    body === undefined
      ? {}
      : {
          method: "POST",
          headers: { "content-type": "application/json", ...(csrf === undefined ? {} : { "x-bosun-csrf": csrf }) },
          body: JSON.stringify(body),
        };
  let response: Response;
  try {
    response = await fetch(path, { ...sent, credentials: "same-origin", cache: "no-store" });
  } catch (cause) {
    throw new Error("Bosun is not running any more: `bosun ui` opens this page again", { cause });
  }
  const answer = (await response.json()) as { readonly error?: { readonly message: string } };
  if (!response.ok) throw new Error(answer.error?.message ?? `the server answered ${response.status}`);
  return answer;
}
