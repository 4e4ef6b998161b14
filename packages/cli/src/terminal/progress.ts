import { type TextSink, widthOf } from '../io.ts';
import { drawBar } from './quantity.ts';
import { type Style, textWidth, truncate } from './text.ts';

/** How far some work is. */
export interface ProgressState {
  /** What is done, in the unit of `total`. */
  readonly done: number;
  /** What there is to do; 0 where it is not known. */
  readonly total: number;
  /** What to say beside the bar, without style codes. */
  readonly detail: string;
  /** What is being worked on right now, each with a line of its own below. @default nothing is shown of it */
  readonly items?: readonly ProgressItem[];
}

/** One of several things that are worked on at the same time. */
export interface ProgressItem {
  /** What it is, without style codes. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

/** Tells a person how far some work is; all of it goes to standard error. */
export interface Progress {
  /** Where the work stands now. Cheap enough to be called for every chunk. */
  update(state: ProgressState): void;
  /** A line that stays: one step of the work is over. */
  milestone(line: string): void;
  /** Ends the display and leaves the terminal as it was. */
  close(): void;
}

/** No word at all: for `--quiet`. */
export const silentProgress: Progress = { update() {}, milestone() {}, close() {} };

/** Milestones only, as plain lines: for logs and pipes. */
export function plainProgress(sink: TextSink): Progress {
  return { ...silentProgress, milestone: (line) => void sink.write(`${line}\n`) };
}

const REDRAW_MILLISECONDS = 80;
const BAR_WIDTH = 24;
/** Lines for things in flight: so many fit every terminal, and more nobody reads. */
const MAX_ITEMS = 8;

/** A line, and one more for each thing in flight, that are redrawn in place, for terminals. No line ever wraps, whatever the terminal's width. Milestones are not shown: the result says the same. */
export class ProgressBar implements Progress {
  readonly #sink: TextSink;
  readonly #style: Style;
  readonly #now: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  /** Lines on the terminal; the cursor is on the last of them. */
  #lines = 0;

  constructor(sink: TextSink, style: Style, now: () => number = () => performance.now()) {
    this.#sink = sink;
    this.#style = style;
    this.#now = now;
  }

  update({ done, total, detail, items = [] }: ProgressState): void {
    const now = this.#now();
    if (now - this.#drawnAt < REDRAW_MILLISECONDS) return;
    this.#drawnAt = now;
    const lines = [this.#line(done, total, detail)];
    for (const { label, ...item } of items.slice(0, MAX_ITEMS)) lines.push(this.#line(item.done, item.total, label));
    if (items.length > MAX_ITEMS) lines.push(this.#style.dim(`and ${items.length - MAX_ITEMS} more`));
    const text = lines.map((line) => `${line}\u001b[K`).join('\n');
    // Of more lines that stood there before, the rest is taken away.
    const surplus = this.#lines > lines.length ? '\u001b[J' : '';
    this.#sink.write(`${this.#lines === 0 ? '\u001b[?25l' : ''}${this.#toFirstLine()}${text}${surplus}`);
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

  #line(done: number, total: number, detail: string): string {
    // One column stays free: some terminals wrap when the last one is written.
    const width = widthOf(this.#sink, 80) - 1;
    const percent = total > 0 ? `${String(Math.floor(100 * Math.min(1, done / total))).padStart(3)} %` : '';
    const barWidth = Math.min(BAR_WIDTH, Math.floor(width / 3));
    if (barWidth < 6 || total === 0) return truncate(`${percent} ${detail}`.trim(), width);
    const room = width - barWidth - textWidth(percent) - 3;
    const said = room >= 8 ? `  ${truncate(detail, room)}` : '';
    return `${this.#style.cyan(drawBar(done, total, barWidth))} ${percent}${this.#style.dim(said)}`;
  }
}
