/** What the approval page's browser loads, as the build made it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PageAssets } from "./serve-page.ts";

/** @param folder of the build */
export function readPageAssets(folder: string): PageAssets {
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  return { html: read("approval-page.html"), script: read("approval-page.js"), style: read("approval-page-style.css") };
}
