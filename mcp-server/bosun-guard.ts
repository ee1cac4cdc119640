/** Whether this Node can load the native parts. Below Node-API 10 loading better-sqlite3 ends in a segmentation fault that nothing can catch. */

const NEEDED_NAPI = 10;

/** What is wrong with the running Node, with what to do; null if it will do. */
export function nodeProblem(versions: { readonly node: string; readonly napi?: string }): string | null {
  if (Number(versions.napi ?? 0) >= NEEDED_NAPI) return null;
  return (
    `Node ${versions.node} is too old: Bosun needs Node 22.14 or later (Node-API ${NEEDED_NAPI}). ` +
    "Install a newer Node, or from a clone use `npm start` or `npm run --silent bosun -- <args>`, which bring their own."
  );
}
