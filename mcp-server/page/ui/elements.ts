/** Elements whose texts are texts: nothing of what is shown is ever read as markup, and what is hidden in it becomes visible. */
import { escapeLine, escapeText } from "../../../shared/visible-text.ts";

export type Child = Node | string | null;

export interface Attributes {
  readonly class?: string;
  readonly [name: string]: string | ((event: Event) => void) | undefined;
}

/** @param children strings are made visible and safe, as one line each */
export function element(name: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  for (const child of children) if (child !== null) made.append(typeof child === "string" ? escapeLine(child) : child);
  return made;
}

/** Several lines. */
export function textBlock(name: string, className: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = escapeText(text);
  return made;
}
