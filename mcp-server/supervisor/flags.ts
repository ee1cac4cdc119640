/**
 * Numbered changes of the supervisor's behaviour. A run is begun with all of them and keeps those that it was begun with, for ever: on
 * replay, after a crash, and under a later version. So whoever changes what the supervisor decides adds a number here, asks for it with
 * `ctx.flag`, and leaves the old way standing beside it. A number is never used for anything else again.
 */

/**
 * A step that a new plan drops puts nothing up for approval any more. Before, the person was asked about changes whose step was
 * gone already, when it was dropped while they were put together or after their approval had expired; the answer counted for nothing.
 */
export const DROPPED_ASKS_NOBODY = 1;

/**
 * Once the planner has used up its questions, a plan that asks again and has no steps is complained about. Before, it was carried out: a run
 * without a step ended well, with an empty answer.
 */
export const PLAN_NEEDS_STEPS = 2;

/**
 * What comes between two requests of a conversation (an answer, the results of its tools, news) is one link of its chain. Before, each
 * was a link of its own, and a last answer that no request follows was kept as one, too.
 */
export const ONE_LINK_A_REQUEST = 3;

/**
 * A request names the tier that it wants and how complex the task is; which model answers is chosen as it is made, and a provider that
 * reported more than it was allowed holds the run. Before, the models of the tier were pinned when the run began.
 */
export const TIERS_ARE_LIVE = 4;

/**
 * A plan is priced before its first step begins. One that does not fit into what the run's caps leave is done by cheaper models, or put to
 * the person. Before, it was begun, and stopped when a cap was reached.
 */
export const PLANS_ARE_PRICED = 5;

/** Older turns of a long step are put into a summary. Before, each request of a step held all that was said in it. */
export const SUMMARISES = 6;

/**
 * What a step read, changed and noted is handed on with its report, and stays when its older turns are put together. Before, others had
 * its last words alone.
 */
export const HANDS_NOTES_ON = 7;

/**
 * Turns that bring nothing new are counted: the worker is told so, and a step that goes on like that is ended. Before, only the same
 * failing call in a row ended it, or its last turn.
 */
export const SEES_IDLE_TURNS = 8;

/**
 * What was approved and no longer fits the files is merged with what changed in them, and put up once more. Before, it was dropped, and the
 * worker made it anew.
 */
export const MERGES_EDITS = 9;

export const FLAGS: readonly number[] = [
  DROPPED_ASKS_NOBODY,
  PLAN_NEEDS_STEPS,
  ONE_LINK_A_REQUEST,
  TIERS_ARE_LIVE,
  PLANS_ARE_PRICED,
  SUMMARISES,
  HANDS_NOTES_ON,
  SEES_IDLE_TURNS,
  MERGES_EDITS,
];
