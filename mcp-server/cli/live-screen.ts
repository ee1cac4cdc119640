/** Draws lines in place: each drawing takes the place of the one before. The cursor is hidden meanwhile and always given back. */
import type { CliIo } from "./io.ts";
import { wantsColor } from "./io.ts";
import { type Line, paint, piece } from "./render/line.ts";

const HIDE_CURSOR = "\u001B[?25l";
const SHOW_CURSOR = "\u001B[?25h";

export class LiveScreen {
  readonly #io: CliIo;
  #drawn = 0;
  #hidden = false;

  constructor(io: CliIo) {
    this.#io = io;
  }

  /** Takes the place of what was drawn since the last {@link settle}. */
  draw(lines: readonly Line[]): void {
    this.#put(fold(lines, this.#io.stdout.rows - 1));
  }

  /** Leaves these lines, whole, on the terminal and gives the cursor back; what comes next starts below. */
  settle(lines: readonly Line[]): void {
    this.#put(lines);
    this.#drawn = 0;
    this.release();
  }

  /** Gives the cursor back, also when the process is about to end. */
  release(): void {
    if (!this.#hidden) return;
    this.#hidden = false;
    this.#io.stdout.write(SHOW_CURSOR);
  }

  /** What was drawn is left as it is, for what is on the screen is not known any more; the next drawing begins below. */
  leave(): void {
    this.#drawn = 0;
    this.release();
  }

  #put(lines: readonly Line[]): void {
    const color = wantsColor(this.#io);
    const back = this.#drawn === 0 ? "" : `\u001B[${this.#drawn}A\r`;
    const body = lines.map((line) => `\u001B[2K${paint(line, color)}\n`).join("");
    const rest = this.#drawn > lines.length ? "\u001B[0J" : "";
    this.#io.stdout.write(`${this.#hidden ? "" : HIDE_CURSOR}${back}${body}${rest}`);
    this.#hidden = true;
    this.#drawn = lines.length;
  }
}

/** A tree taller than the terminal keeps its head and its end, for lines that scrolled away cannot be drawn again. */
function fold(lines: readonly Line[], rows: number): readonly Line[] {
  const room = Math.max(4, rows);
  if (lines.length <= room) return lines;
  const tail = room - 3;
  return [...lines.slice(0, 2), [piece(`  … ${lines.length - 2 - tail} lines above`, "dim")], ...lines.slice(-tail)];
}
