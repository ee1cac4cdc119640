/** From what a person asks of a fork (a span, another task, model, worker or answer) to what the engine forks by. */
import type { Json, Kept } from "../../shared/durable.ts";
import { BosunError } from "../../shared/errors.ts";
import type { EventOf, RunEvent } from "../../shared/events.ts";
import type { AssistantMessage } from "../../shared/model.ts";
import type { TaskPlan } from "../../shared/plan.ts";
import { createCodec } from "../engine/codec.ts";
import type { Codec } from "../engine/codec.ts";
import type { Engine, ForkOptions } from "../engine/port.ts";
import type { JournalReader } from "../journal/port.ts";
import type { ForkRequest } from "../service.ts";
import type { AskModel, Crew, ModelAnswer } from "../supervisor/activities.ts";
import type { TaskInput } from "../supervisor/make-plan.ts";
import { spanIdOf } from "../telemetry/trace-ids.ts";

export interface ForkParts {
  readonly engine: Pick<Engine, "keep">;
  readonly journal: JournalReader;
  readonly checkTask: (task: string) => void;
  readonly checkWorker: (worker: string) => void;
  /** The full name of a model. @throws BosunError */
  readonly checkModel: (model: string) => string;
  readonly checkReply: (
    text: string,
    schema: NonNullable<AskModel["reply_schema"]>["value"],
  ) => { ok: true; data: Json } | { ok: false; problem: string };
}

/** @throws BosunError invalid_input for a point that is not there, or a change that cannot be made there */
export function forkOptionsOf(parts: ForkParts, runId: string, request: ForkRequest): ForkOptions {
  const events = parts.journal.events(runId);
  const point = pointOf(runId, events, request.at);
  const codec = createCodec(parts.journal.blobs, null);
  const made = new ForkChanges(parts, codec, { events, point });
  if (request.task !== undefined) made.changeTask(request.task);
  if (request.model !== undefined) made.changeModel(request.model);
  if (request.worker !== undefined) made.changeWorker(request.worker);
  if (request.answer !== undefined) made.changeAnswer(request.answer);
  return { ...made.options(), ...(request.budget === undefined ? {} : { budget: request.budget }) };
}

interface Point {
  readonly at: number;
  /** Path of the span that was named; null when a sequence was. */
  readonly path: string | null;
}

/** A sequence is kept with all before it; a span is done anew, so what was before it is kept. */
function pointOf(runId: string, events: readonly RunEvent[], given: string): Point {
  const last = events.at(-1)?.seq ?? 0;
  if (/^\d{1,9}$/u.test(given)) {
    const at = Number(given);
    if (at < 1 || at > last) throw new BosunError("invalid_input", `run ${runId} has the events 1 to ${last}, not ${given}`);
    return { at, path: null };
  }
  const found = pathsOf(events).filter(
    (path) => spanIdOf(runId, path).startsWith(given) || path === given || path.endsWith(`step:${given}`),
  );
  const [path] = found;
  if (path === undefined)
    throw new BosunError(
      "invalid_input",
      `run ${runId} has no span ${given}: \`bosun trace ${runId} --format json\` lists them, with the seq of each call`,
    );
  if (found.length > 1 && !found.includes(given))
    throw new BosunError("invalid_input", `${given} fits several spans of run ${runId}: ${found.slice(0, 5).join(", ")}`);
  const first = events.find((event) => event.seq > 1 && (event.path === path || event.path.startsWith(`${path}/`)));
  return { at: Math.max(1, (first?.seq ?? 2) - 1), path };
}

/** Paths of everything that a trace may show: calls, waits, steps, and the turns that calls lie in. */
function pathsOf(events: readonly RunEvent[]): readonly string[] {
  const paths = new Set<string>();
  for (const { kind, path } of events) {
    if (path === "" || kind.startsWith("attempt-")) continue;
    const parts = path.split("/");
    for (let length = 1; length <= parts.length; length += 1) paths.add(parts.slice(0, length).join("/"));
  }
  return [...paths];
}

class ForkChanges {
  readonly #parts: ForkParts;
  readonly #codec: Codec;
  readonly #events: readonly RunEvent[];
  readonly #point: Point;
  readonly #answers: Record<string, unknown> = {};
  readonly #signals: Record<string, unknown> = {};
  #input: TaskInput | null = null;

  constructor(parts: ForkParts, codec: Codec, at: { readonly events: readonly RunEvent[]; readonly point: Point }) {
    this.#parts = parts;
    this.#codec = codec;
    this.#events = at.events;
    this.#point = at.point;
  }

  options(): ForkOptions {
    return {
      at: this.#point.at,
      answers: this.#answers,
      signals: this.#signals,
      ...(this.#input === null ? {} : { input: this.#input }),
    };
  }

  /** What is kept was done for the old task; everything after the fork point is told the new one. */
  changeTask(task: string): void {
    this.#parts.checkTask(task);
    this.#input = { ...this.#taskInput(), task };
  }

  changeModel(model: string): void {
    const name = this.#parts.checkModel(model);
    this.#input = { ...this.#taskInput(), model: name };
    for (const event of this.#completed("configure")) {
      const crew = this.#codec.decode(event.data.result) as Crew;
      this.#answers[event.path] = { ...crew, models: { small: [name], medium: [name], large: [name] }, only: [name] } satisfies Crew;
    }
  }

  /** Of the step that the fork point lies in; or of the whole task, when it was given to one worker. */
  changeWorker(worker: string): void {
    this.#parts.checkWorker(worker);
    const input = this.#taskInput();
    if (input.worker !== null) {
      this.#input = { ...input, worker };
      return;
    }
    const step = this.#stepOf(input);
    const changed = <S extends { readonly id: string; readonly worker: string }>(steps: readonly S[]): S[] =>
      steps.map((each) => (each.id === step ? { ...each, worker } : each));
    if (input.steps !== null) {
      this.#input = { ...input, steps: changed(input.steps) };
      return;
    }
    const plan = this.#planWith(step);
    const answer = this.#codec.decode(plan.data.result) as ModelAnswer;
    const data = answer.data?.value as unknown as TaskPlan;
    const said = { ...data, steps: changed(data.steps) };
    this.#answers[plan.path] = {
      ...answer,
      message: this.#keep<AssistantMessage>({ role: "assistant", content: JSON.stringify(said) }),
      data: this.#keep<Json>(said),
    } satisfies ModelAnswer;
  }

  /** What the model or the tool at the fork point says, or what the person answers there. */
  changeAnswer(text: string): void {
    const { path } = this.#point;
    const event =
      path === null
        ? undefined
        : this.#events.find((each) => each.path === path && (each.kind === "call-started" || each.kind === "wait-started"));
    if (event?.kind === "wait-started" && event.data.about.for === "answer") this.#signals[event.path] = this.#keep(text);
    else if (event?.kind === "call-started" && event.data.activity === "ask_model")
      this.#answers[event.path] = this.#modelAnswer(event, text);
    else if (event?.kind === "call-started" && event.data.activity === "use_tool") this.#answers[event.path] = { text: this.#keep(text) };
    else
      throw new BosunError(
        "invalid_input",
        "another answer can be given to a model call, a tool call or a question: name its span with --at (approvals are always asked anew)",
      );
  }

  #modelAnswer(event: EventOf<"call-started">, text: string): ModelAnswer {
    const input = this.#codec.decode(event.data.input) as AskModel;
    const answer: ModelAnswer = {
      message: this.#keep<AssistantMessage>({ role: "assistant", content: text }),
      model: event.data.choice?.model ?? event.data.label.name,
      finish_reason: "stop",
    };
    const schema = input.reply_schema?.value;
    if (schema === undefined) return answer;
    const checked = this.#parts.checkReply(text, schema);
    if (!checked.ok)
      throw new BosunError("invalid_input", `the answer does not fit ${schema.name}, which is asked for here: ${checked.problem}`);
    return { ...answer, data: this.#keep(checked.data) };
  }

  #taskInput(): TaskInput {
    const first = this.#events[0];
    if (first?.kind !== "run-started") throw new BosunError("internal", "the run's journal does not begin with run-started");
    if (first.data.workflow === "revert")
      throw new BosunError("invalid_input", "a run that puts files back has neither task nor worker nor model to change");
    return this.#input ?? (this.#codec.decode(first.data.input) as TaskInput);
  }

  #stepOf(input: TaskInput): string {
    const named = /(?:^|\/)step:([^/]+)/u.exec(this.#point.path ?? "")?.[1];
    if (named !== undefined) return named;
    const adopted = this.#events.filter((event) => event.kind === "plan-adopted").flatMap((event) => event.data.steps);
    const ids = [...new Set([...(input.steps ?? []), ...adopted].map((step) => step.id))];
    const [only] = ids;
    if (only === undefined || ids.length > 1)
      throw new BosunError("invalid_input", `whose worker shall change? Name the step with --at: ${ids.join(", ")}`);
    return only;
  }

  /** The answer of the planner that brought the step. */
  #planWith(step: string): EventOf<"call-completed"> {
    const adopted = this.#events.find((event) => event.kind === "plan-adopted" && event.data.steps.some((each) => each.id === step));
    const planned = this.#completed("ask_model")
      .filter((event) => event.seq <= (adopted?.seq ?? 0))
      .findLast((event) => this.#purposeAt(event.path) === "plan" || this.#purposeAt(event.path) === "replan");
    if (planned === undefined) throw new BosunError("invalid_input", `no plan of the run has a step ${step}`);
    return planned;
  }

  #purposeAt(path: string): string | undefined {
    const event = this.#events.find((each) => each.kind === "call-started" && each.path === path);
    return event?.kind === "call-started" ? event.data.label.note : undefined;
  }

  #completed(activity: string): readonly EventOf<"call-completed">[] {
    const paths = new Set(
      this.#events.flatMap((event) => (event.kind === "call-started" && event.data.activity === activity ? [event.path] : [])),
    );
    return this.#events.flatMap((event) =>
      event.kind === "call-completed" && event.seq <= this.#point.at && paths.has(event.path) ? [event] : [],
    );
  }

  #keep<T>(value: T): Kept<T> {
    return this.#parts.engine.keep(value);
  }
}
