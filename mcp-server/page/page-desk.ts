/** When the approval page is opened: when a person asks for it, and by itself when something waits and nobody who could decide it is watching. */
import type { System } from "../config/paths.ts";
import type { PageOpened } from "../../shared/reports.ts";
import type { Service } from "../service.ts";
import { noBrowser, openFile, type Redirect, writeRedirect } from "./open-browser.ts";
import { type ApprovalPage, type PageAssets, servePage } from "./serve-page.ts";

export interface PageDeskParts {
  readonly service: Service;
  readonly assets: () => PageAssets;
  readonly system: System;
  readonly dataDir: string;
  /** Canonical root. */
  readonly workspace: string;
  /** May it be opened without being asked for? */
  readonly byItself: () => boolean;
  /** Is there a terminal or an editor that shows what waits? */
  readonly watched: () => boolean;
  readonly now: () => number;
  readonly log: (text: string) => void;
}

export interface PageDesk {
  /** @param approvalId what it shows first; null: the oldest that is open */
  open(approvalId: string | null): Promise<PageOpened>;
  close(): void;
}

/** What is asked and decided at once needs no window. */
const PATIENCE_MS = 1_500;
/** A person who closed the window is not shown another at once. */
const CALM_MS = 60_000;

export function createPageDesk(parts: PageDeskParts): PageDesk {
  const { service, system, dataDir, now, log } = parts;
  let page: Promise<ApprovalPage> | null = null;
  let openedAt = Number.NEGATIVE_INFINITY;
  let redirect: Redirect | null = null;
  let shown: () => boolean = () => false;
  const open = async (approvalId: string | null): Promise<PageOpened> => {
    page ??= servePage(service, parts.assets(), now);
    const served = await page;
    shown = () => served.shown();
    redirect = writeRedirect(dataDir, served.url(approvalId));
    const { file } = redirect;
    const why = noBrowser(system);
    if (why === null) {
      openedAt = now();
      openFile(system, { file, workspace: parts.workspace }, (text) => log(`the approval page could not be opened: ${text}`));
    }
    return { opened: why === null, why, file };
  };
  const timers = new Set<NodeJS.Timeout>();
  const consider = (approvalId: string): void => {
    const isOpen = service.listApprovals().some(({ approval_id }) => approval_id === approvalId);
    if (!isOpen || !parts.byItself() || parts.watched() || shown() || now() - openedAt < CALM_MS || noBrowser(system) !== null) return;
    open(approvalId).catch((error: unknown) => log(`the approval page could not be opened: ${String(error)}`));
  };
  const off = service.subscribe(null, (note) => {
    if (note.type !== "event" || note.event.kind !== "approval-requested") return;
    const { approval_id: approvalId } = note.event.data;
    const timer = setTimeout(() => {
      timers.delete(timer);
      consider(approvalId);
    }, PATIENCE_MS);
    timers.add(timer.unref());
  });
  return {
    open,
    close: () => {
      off();
      redirect?.remove();
      for (const timer of timers) clearTimeout(timer);
      void page?.then((served) => served.close()).catch(() => undefined);
    },
  };
}
