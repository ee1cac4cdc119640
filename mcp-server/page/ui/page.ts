/** The approval page: what is open, the diff of one, and a person's decision. */
import { createChosen } from "./chosen-parts.ts";
import { diffView, type Ticks } from "./diff-view.ts";
import { element, textBlock } from "./elements.ts";
import { readDiff } from "./read-diff.ts";
import { type Decision, type Detail, type Listed, openSession, type Requests } from "./requests.ts";

const LOOK_MS = 2_000;
const APPROVE_ALL = "Approve and apply";
const at = (id: string): HTMLElement => document.getElementById(id) ?? document.body;

interface State {
  listed: readonly Listed[];
  shown: Detail | null;
  busy: boolean;
}

function say(text: string, bad = false): void {
  at("status").replaceChildren(element("span", { class: bad ? "bad" : "" }, text));
}

function start(requests: Requests, first: string | null): void {
  const state: State = { listed: [], shown: null, busy: false };

  const show = async (id: string | null): Promise<void> => {
    try {
      state.shown = id === null ? null : await requests.detail(id);
    } catch (error) {
      state.shown = null;
      say(messageOf(error), true);
    }
    drawList();
    drawDetail();
  };
  const decide = async (decision: Decision): Promise<void> => {
    if (state.shown === null || state.busy) return;
    const { approval, digest } = state.shown;
    state.busy = true;
    try {
      await requests.decide(approval.approval_id, { ...decision, digest });
      say(decision.decision === "approve" ? "Approved; it is being applied." : "Rejected; the worker is told why.");
    } catch (error) {
      say(messageOf(error), true);
    }
    state.busy = false;
    state.shown = null;
    await look(true);
  };
  const look = async (next: boolean): Promise<void> => {
    try {
      state.listed = await requests.list();
    } catch (error) {
      say(messageOf(error), true);
      return;
    }
    document.title = state.listed.length === 0 ? "Bosun: nothing to approve" : `(${state.listed.length}) Bosun: approvals`;
    const shown = state.shown?.approval.approval_id;
    const gone = shown !== undefined && !state.listed.some(({ approval_id }) => approval_id === shown);
    if (gone) say("That was decided elsewhere, or ran out.");
    if (gone || (next && shown === undefined)) await show(state.listed[0]?.approval_id ?? null);
    else drawList();
  };
  const drawList = (): void => {
    const items = state.listed.map((each) =>
      element(
        "button",
        {
          type: "button",
          class: `item ${each.risk}`,
          "aria-current": String(each.approval_id === state.shown?.approval.approval_id),
          click: () => void show(each.approval_id),
        },
        element("strong", {}, each.title),
        element("span", { class: "task" }, each.task.split("\n", 1)[0] ?? ""),
        element("span", { class: "meta" }, `${each.files.length} ${each.files.length === 1 ? "file" : "files"} · ${left(each.expires_at)}`),
      ),
    );
    const none = element("p", { class: "none" }, "Nothing waits for you. This page shows what comes.");
    at("list").replaceChildren(...(items.length === 0 ? [none] : items));
    for (const clock of document.querySelectorAll<HTMLElement>("[data-until]")) clock.textContent = left(clock.dataset["until"] ?? "");
  };
  const drawDetail = (): void => {
    const { shown } = state;
    at("detail").replaceChildren(...(shown === null ? [] : detailView(shown, decide)));
    at("detail").scrollTop = 0;
  };

  document.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLTextAreaElement || event.ctrlKey || event.metaKey || event.altKey) return;
    const ids = state.listed.map(({ approval_id }) => approval_id);
    const index = ids.indexOf(state.shown?.approval.approval_id ?? "");
    if (event.key === "A") document.querySelector<HTMLButtonElement>(".approve")?.click();
    else if (event.key === "R") document.querySelector<HTMLTextAreaElement>("#reason")?.focus();
    else if (event.key === "n") void show(ids[Math.min(index + 1, ids.length - 1)] ?? null);
    else if (event.key === "p") void show(ids[Math.max(index - 1, 0)] ?? null);
    else if (event.key === "j" || event.key === "k") jump(event.key === "j" ? 1 : -1);
    else return;
    event.preventDefault();
  });
  say("");
  void (first === null ? look(true) : show(first).then(() => look(state.shown === null)));
  setInterval(() => {
    if (document.visibilityState === "visible" && !state.busy) void look(true);
  }, LOOK_MS);
}

function detailView({ approval, diff, task, divisible }: Detail, decide: (decision: Decision) => Promise<void>): readonly Node[] {
  const reason = element("textarea", { id: "reason", rows: "2", maxlength: "2000", "aria-label": "Why not" });
  reason.setAttribute("placeholder", "Why not? The worker is told.");
  const reject = (event: Event): void => {
    event.preventDefault();
    const text = (reason as HTMLTextAreaElement).value.trim();
    if (text === "") {
      say("A rejection needs a reason.", true);
      reason.focus();
    } else void decide({ decision: "reject", reason: text });
  };
  const files = readDiff(diff);
  // What the diff does not name as it is, or is cut, can only be decided as a whole.
  const named = files.length === approval.files.length && approval.files.every((path) => files.some(({ title }) => title === path));
  const hunksOf = (path: string): number => (divisible.includes(path) ? (files.find(({ title }) => title === path)?.hunks ?? 0) : 0);
  const chosen = named ? createChosen(new Map(approval.files.map((path) => [path, hunksOf(path)]))) : null;
  const label = element("span", {}, APPROVE_ALL);
  const ticksOf = (path: string): Ticks | null =>
    chosen === null
      ? null
      : {
          hunks: hunksOf(path) > 1 ? hunksOf(path) : null,
          has: (hunk) => chosen.has(path, hunk),
          set: (hunk, ticked) => {
            chosen.set(path, hunk, ticked);
            label.textContent = chosen.parts() === "all" ? APPROVE_ALL : "Approve and apply what is ticked";
          },
        };
  const approve = (): void => {
    const parts = chosen?.parts() ?? "all";
    if (parts === "none") say("Nothing is ticked. Reject it instead, and say why.", true);
    else void decide({ decision: "approve", ...(parts === "all" ? {} : { parts }) });
  };
  return [
    element("h2", {}, approval.title),
    textBlock("p", "task", task),
    element(
      "p",
      { class: "meta" },
      element("span", { class: `risk ${approval.risk}` }, `${approval.risk} risk`),
      " open for ",
      element("span", { "data-until": approval.expires_at }, left(approval.expires_at)),
      ` · ${approval.run_id}`,
    ),
    element("ul", { class: "reasons" }, ...approval.reasons.map((text) => element("li", {}, text))),
    element(
      "form",
      { class: "decide", submit: reject },
      element("button", { type: "button", class: "approve", click: approve }, label, element("kbd", {}, "⇧A")),
      reason,
      element("button", { type: "submit", class: "reject" }, "Reject", element("kbd", {}, "⇧R")),
    ),
    ...files.map((file, index) => diffView(file, `file-${index}`, ticksOf(file.title))),
    element(
      "p",
      { class: "keys" },
      element("kbd", {}, "j"),
      " ",
      element("kbd", {}, "k"),
      " next and previous file · ",
      element("kbd", {}, "n"),
      " ",
      element("kbd", {}, "p"),
      " next and previous approval",
    ),
  ];
}

/** Scrolls to the next or previous file. */
function jump(by: 1 | -1): void {
  const headings = [...document.querySelectorAll<HTMLElement>(".file h3")];
  const edge = at("detail").getBoundingClientRect().top + 8;
  const below = headings.findIndex((heading) => heading.getBoundingClientRect().top > edge);
  const target = by === 1 ? headings[below] : headings[(below === -1 ? headings.length : below) - 2];
  (target ?? headings[0])?.scrollIntoView({ block: "start" });
}

function left(until: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(until) - Date.now()) / 1000));
  if (seconds === 0) return "expired";
  return seconds < 90 ? `${seconds} s` : seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const given = new URLSearchParams(location.hash.slice(1));
// Neither the token nor what it opened stays in the history.
history.replaceState(null, "", "/");
openSession(given.get("token")).then(
  (requests) => start(requests, given.get("approval")),
  (error: unknown) => say(messageOf(error), true),
);
