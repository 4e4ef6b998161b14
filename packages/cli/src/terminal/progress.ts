import type { TextSink } from '../io.ts';
import { drawBar } from './quantity.ts';
import type { Style } from './style.ts';
import { textWidth, truncate } from './text-width.ts';

/** How far some work is. */
export interface ProgressState {
  /** What is done, in the unit of `total`. */
  readonly done: number;
  /** What there is to do; 0 where it is not known. */
  readonly total: number;
  /** What to say beside the bar, without style codes. */
  readonly detail: string;
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
  return {
    update() {},
    milestone: (line) => void sink.write(`${line}\n`),
    close() {},
  };
}

const REDRAW_MILLISECONDS = 80;
const BAR_WIDTH = 24;

/** One line that is redrawn in place, for terminals. It never wraps, whatever the terminal's width. Milestones are not shown: the result says the same. */
export class ProgressBar implements Progress {
  readonly #sink: TextSink;
  readonly #style: Style;
  readonly #now: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #visible = false;

  constructor(sink: TextSink, style: Style, now: () => number = () => performance.now()) {
    this.#sink = sink;
    this.#style = style;
    this.#now = now;
  }

  update(state: ProgressState): void {
    const now = this.#now();
    if (now - this.#drawnAt < REDRAW_MILLISECONDS) return;
    this.#drawnAt = now;
    if (!this.#visible) this.#sink.write('\u001b[?25l');
    this.#visible = true;
    this.#sink.write(`\r${this.#line(state)}\u001b[K`);
  }

  milestone(): void {}

  close(): void {
    if (this.#visible) this.#sink.write('\r\u001b[K\u001b[?25h');
    this.#visible = false;
  }

  #line({ done, total, detail }: ProgressState): string {
    // One column stays free: some terminals wrap when the last one is written.
    const width = (this.#sink.columns ?? 80) - 1;
    const percent = total > 0 ? `${String(Math.floor(100 * Math.min(1, done / total))).padStart(3)} %` : '';
    const barWidth = Math.min(BAR_WIDTH, Math.floor(width / 3));
    if (barWidth < 6 || total === 0) return truncate(`${percent} ${detail}`.trim(), width);
    const room = width - barWidth - textWidth(percent) - 3;
    const said = room >= 8 ? `  ${truncate(detail, room)}` : '';
    return `${this.#style.cyan(drawBar(done, total, barWidth))} ${percent}${this.#style.dim(said)}`;
  }
}
