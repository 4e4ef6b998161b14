import { type CliIo, PROGRAM, widthOf, writeTo } from '../io.ts';
import { type ErrorDescription, renderDescription } from './describe-error.ts';
import { type Progress, ProgressBar, plainProgress, silentProgress } from './progress.ts';
import { type Column, layOutTable } from './table.ts';
import { isInteractive, printable, type Style, styleFor } from './text.ts';

/** How the person wants to be told. */
export interface OutputMode {
  /** JSON on standard output and nothing else there. */
  readonly json: boolean;
  /** The result alone, as short as it can be said; no progress, no notes. */
  readonly quiet: boolean;
  /** Each request to a registry, and where errors come from. */
  readonly debug: boolean;
}

/** Widest a table or a help text gets where nothing says how wide the terminal is. */
const WIDTH_WITHOUT_TERMINAL = 120;

/** What a command says: results to standard output, the rest to standard error. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly #debug: boolean;
  /** Styles for standard output, and for standard error. */
  readonly style: Style;
  readonly #errorStyle: Style;
  readonly #io: CliIo;

  constructor(io: CliIo, mode: OutputMode) {
    this.json = mode.json;
    this.quiet = mode.quiet;
    this.#debug = mode.debug;
    this.style = styleFor(io.stdout, io.env);
    this.#errorStyle = styleFor(io.stderr, io.env);
    this.#io = io;
  }

  /** Columns of standard output. */
  get width(): number {
    return widthOf(this.#io.stdout, WIDTH_WITHOUT_TERMINAL);
  }

  /** One JSON value on a line of its own: the result where `--json` is given. */
  writeJson(value: unknown): Promise<void> {
    return writeTo(this.#io.stdout, `${JSON.stringify(value)}\n`);
  }

  /** A line of the result. */
  writeLine(line = ''): Promise<void> {
    return writeTo(this.#io.stdout, `${line}\n`);
  }

  /** A table of the result; its titles stand out. */
  async writeTable(columns: readonly Column[], rows: readonly (readonly string[])[], indent = ''): Promise<void> {
    const [titles = '', ...lines] = layOutTable(columns, rows, this.width - indent.length);
    const text = [this.style.dim(titles), ...lines].map((line) => `${indent}${line}\n`).join('');
    await writeTo(this.#io.stdout, text);
  }

  /** Bytes of the result, as they are. */
  writeBytes(bytes: Uint8Array): Promise<void> {
    return writeTo(this.#io.stdout, bytes);
  }

  /** Something worth knowing that is not the result; not said with `--quiet`. */
  async note(line: string): Promise<void> {
    if (!this.quiet) await writeTo(this.#io.stderr, `${line}\n`);
  }

  /** What goes on underneath, for those who look for a fault: only with `--debug`. */
  trace(line: string): void {
    if (this.#debug) this.#io.stderr.write(`${printable(line)}\n`);
  }

  /** A fault that does not end the command: part of what was asked for could not be done. */
  async reportProblem(problem: ErrorDescription): Promise<void> {
    const lines = renderDescription(problem, PROGRAM, this.#errorStyle);
    await writeTo(this.#io.stderr, lines.map((line) => `${line}\n`).join(''));
  }

  /** A display of progress that suits standard error. */
  openProgress(): Progress {
    if (this.quiet) return silentProgress;
    // Lines that come in between would tear what is redrawn in place.
    const isRedrawn = !this.#debug && isInteractive(this.#io.stderr, this.#io.env);
    return isRedrawn ? new ProgressBar(this.#io.stderr, this.#errorStyle) : plainProgress(this.#io.stderr);
  }
}
