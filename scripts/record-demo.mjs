/**
 * Records the demonstration as an animated SVG for the README: `npm run record`. The real program runs on a pseudo-terminal (the `script`
 * command of util-linux), a person's `y` is typed when it asks, and what a terminal would show is drawn, frame by frame.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import xterm from "@xterm/headless";

const COLUMNS = 112;
const ROWS = 38;
/** Seconds between two frames, and for which the last one stands. */
const FRAME_SECONDS = 0.35;
const LAST_SECONDS = 6;
const CELL = { width: 8, height: 17 };
const COLORS = [
  "#3b4252",
  "#e06c75",
  "#98c379",
  "#e5c07b",
  "#61afef",
  "#c678dd",
  "#56b6c2",
  "#abb2bf",
  "#7f848e",
  "#e06c75",
  "#98c379",
  "#e5c07b",
  "#61afef",
  "#c678dd",
  "#56b6c2",
  "#ffffff",
];
const INK = "#d7dae0";

const root = join(import.meta.dirname, "..");
const home = mkdtempSync(join(tmpdir(), "bosun-record-"));
const terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });

const env = { ...process.env, BOSUN_HOME: home, TERM: "xterm-256color" };
delete env.NO_COLOR;
const command = `stty cols ${COLUMNS} rows ${ROWS}; "${process.execPath}" "${join(root, "dist/bosun.mjs")}" demo`;
const child = spawn("script", ["-qefc", command, "/dev/null"], { env, stdio: ["pipe", "pipe", "inherit"] });

let seen = "";
let answered = false;
let pending = Promise.resolve();
child.stdout.on("data", (data) => {
  seen += data.toString();
  pending = pending.then(() => new Promise((done) => terminal.write(data, done)));
  if (answered || !seen.includes("Apply these changes?")) return;
  answered = true;
  setTimeout(() => child.stdin.write("y\n"), 2_500);
});

const frames = [];
const timer = setInterval(() => frames.push(screen()), FRAME_SECONDS * 1000);
const code = await new Promise((done) => child.on("close", done));
clearInterval(timer);
await pending;
frames.push(screen());
rmSync(home, { recursive: true, force: true });
writeFileSync(join(root, "docs/demo.svg"), draw(frames));
process.exitCode = code ?? 1;

/** The lines of the screen, each as runs of one style, escaped for XML. */
function screen() {
  const buffer = terminal.buffer.active;
  return Array.from({ length: ROWS }, (_, row) => drawLine(buffer.getLine(buffer.viewportY + row)));
}

function drawLine(line) {
  if (line === undefined) return "";
  let out = "";
  let run = null;
  const flush = () => {
    if (run !== null && run.text.trim() !== "")
      out += `<tspan x="${run.at * CELL.width}"${run.style}>${escape(run.text.trimEnd())}</tspan>`;
    run = null;
  };
  for (let column = 0; column < COLUMNS; column += 1) {
    const cell = line.getCell(column);
    const text = cell?.getChars() === "" ? " " : (cell?.getChars() ?? " ");
    const style = styleOf(cell);
    if (run !== null && run.style === style) run.text += text;
    else {
      flush();
      run = { at: column, style, text };
    }
  }
  flush();
  return out;
}

function styleOf(cell) {
  if (cell === undefined) return "";
  const color = cell.isFgPalette() ? COLORS[cell.getFgColor() % 16] : INK;
  return `${color === INK ? "" : ` fill="${color}"`}${cell.isBold() ? ' font-weight="bold"' : ""}${cell.isDim() ? ' opacity=".6"' : ""}`;
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** One group a frame, shown in turn by CSS; lines that several frames share are drawn once and used again. */
function draw(all) {
  const distinct = all.filter((frame, index) => index === 0 || frame.join("\n") !== all[index - 1].join("\n"));
  const total = (distinct.length - 1) * FRAME_SECONDS + LAST_SECONDS;
  const lines = new Map();
  const idOf = (line) => {
    if (!lines.has(line)) lines.set(line, `l${lines.size}`);
    return lines.get(line);
  };
  const groups = distinct.map((frame, index) => {
    const uses = frame.map((line, row) => (line === "" ? "" : `<use href="#${idOf(line)}" y="${(row + 1) * CELL.height}"/>`)).join("");
    const begin = ((index * FRAME_SECONDS) / total) * 100;
    const end = index === distinct.length - 1 ? 100 : (((index + 1) * FRAME_SECONDS) / total) * 100;
    const style = `@keyframes f${index}{0%{visibility:${index === 0 ? "visible" : "hidden"}}${begin.toFixed(3)}%{visibility:visible}${end.toFixed(3)}%{visibility:${end === 100 ? "visible" : "hidden"}}}`;
    return { style, group: `<g style="visibility:hidden;animation:f${index} ${total.toFixed(2)}s step-end infinite">${uses}</g>` };
  });
  const width = COLUMNS * CELL.width + 24;
  const height = ROWS * CELL.height + 24;
  const defs = [...lines].map(([line, id]) => `<text id="${id}">${line}</text>`).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>Bosun's demonstration in a terminal</title>
<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${INK};white-space:pre}
${groups.map((each) => each.style).join("\n")}</style>
<defs>
${defs}
</defs>
<rect width="100%" height="100%" rx="8" fill="#1e2127"/>
<g transform="translate(12 8)">
${groups.map((each) => each.group).join("\n")}
</g>
</svg>
`;
}
