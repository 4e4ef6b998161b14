import { escapeText } from '@soci/oci';
import { type TextSink, widthOf } from '../io.ts';
import { drawBar } from './quantity.ts';
import { type Style, textWidth, truncate } from './text.ts';

/** State of a progress display. */
export interface ProgressState {
  /** Work done, in the unit of `total`. */
  readonly done: number;
  /** Total work, or 0 if unknown. */
  readonly total: number;
  /** Text after the bar, without style codes. A getter if it is computed for every chunk: most states are not drawn. */
  readonly detail: string;
  /** Items in progress. Each has a line below the bar. @default none */
  readonly items?: readonly ProgressItem[];
}

/** An item in progress. */
export interface ProgressItem {
  /** Text after the bar, without style codes. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

/** A progress display on standard error. */
export interface Progress {
  /** Updates the display. Cheap enough to call for every chunk. */
  update(state: ProgressState): void;
  /** Reports a finished step, as a line that is not redrawn. */
  milestone(line: string): void;
  /** Removes the display from the terminal. */
  close(): void;
}

/** Shows nothing, for `--quiet`. */
export const silentProgress: Progress = { update() {}, milestone() {}, close() {} };

/** Shows only milestones, as plain lines, for logs and pipes. */
export function plainProgress(sink: TextSink): Progress {
  return { ...silentProgress, milestone: (line) => void sink.write(`${escapeText(line)}\n`) };
}

const REDRAW_MILLISECONDS = 80;
const BAR_WIDTH = 24;
/** Maximum number of lines for items in progress. */
const MAX_ITEMS = 8;

/**
 * Redraws a bar, and one for each item in progress, in place on a terminal. Lines never wrap. Milestones are not shown,
 * because the result contains the same information.
 */
export class ProgressBar implements Progress {
  readonly #sink: TextSink;
  readonly #style: Style;
  readonly #now: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  /** Number of lines on the terminal. The cursor is on the last one. */
  #lines = 0;

  constructor(sink: TextSink, style: Style, now: () => number = () => performance.now()) {
    this.#sink = sink;
    this.#style = style;
    this.#now = now;
  }

  update(state: ProgressState): void {
    const now = this.#now();
    if (now - this.#drawnAt < REDRAW_MILLISECONDS) return;
    this.#drawnAt = now;
    const { done, total, detail, items = [] } = state;
    const lines = [this.#line(done, total, detail)];
    for (const { label, ...item } of items.slice(0, MAX_ITEMS)) lines.push(this.#line(item.done, item.total, label));
    if (items.length > MAX_ITEMS) lines.push(this.#style.dim(`and ${items.length - MAX_ITEMS} more`));
    const text = lines.map((line) => `${line}\u001b[K`).join('\n');
    // Clears lines that are left from a longer display.
    const clearRest = this.#lines > lines.length ? '\u001b[J' : '';
    this.#sink.write(`${this.#lines === 0 ? '\u001b[?25l' : ''}${this.#toFirstLine()}${text}${clearRest}`);
    this.#lines = lines.length;
  }

  milestone(): void {}

  close(): void {
    if (this.#lines > 0) this.#sink.write(`${this.#toFirstLine()}\u001b[J\u001b[?25h`);
    this.#lines = 0;
  }

  #toFirstLine(): string {
    return this.#lines > 1 ? `\r\u001b[${this.#lines - 1}A` : '\r';
  }

  #line(done: number, total: number, text: string): string {
    const detail = escapeText(text);
    // Leaves one column free: some terminals wrap after the last one.
    const width = widthOf(this.#sink, 80) - 1;
    const percent = total > 0 ? `${String(Math.floor(100 * Math.min(1, done / total))).padStart(3)} %` : '';
    const barWidth = Math.min(BAR_WIDTH, Math.floor(width / 3));
    if (barWidth < 6 || total === 0) return truncate(`${percent} ${detail}`.trim(), width);
    const room = width - barWidth - textWidth(percent) - 3;
    const shown = room >= 8 ? `  ${truncate(detail, room)}` : '';
    return `${this.#style.cyan(drawBar(done, total, barWidth))} ${percent}${this.#style.dim(shown)}`;
  }
}
