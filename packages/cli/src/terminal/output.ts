import { escapeJson } from '@soci/oci';
import { type CliIo, PROGRAM, widthOf, writeTo } from '../io.ts';
import { type ErrorDescription, renderDescription } from './describe-error.ts';
import { type Progress, ProgressBar, plainProgress, silentProgress } from './progress.ts';
import { type Column, formatTable } from './table.ts';
import { isInteractive, type Style, styleFor } from './text.ts';

/** Output options of the command line. */
export interface OutputMode {
  /** Print only JSON to standard output. */
  readonly json: boolean;
  /** Print only the result, in its shortest form, without progress or notes. */
  readonly quiet: boolean;
  /** Print each request to a registry, and stack traces. */
  readonly debug: boolean;
}

/** Width of tables if the width of the terminal is unknown, in columns. */
const DEFAULT_WIDTH = 120;

/**
 * Output of a command: results to standard output, everything else to standard error. Escapes unprintable characters, so that
 * callers can pass text from images and registries.
 */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly #debug: boolean;
  /** Style for standard output. */
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

  /** Whether the reader of standard output has closed it, so that the rest of a long result is not needed. */
  get isClosed(): boolean {
    return this.#io.stdout.isClosed ?? false;
  }

  /** Width of standard output, in columns. */
  get width(): number {
    return widthOf(this.#io.stdout, DEFAULT_WIDTH);
  }

  /** Writes a JSON value on one line of standard output. */
  writeJson(value: unknown): Promise<void> {
    return this.writeJsonLines([value]);
  }

  /** Writes JSON values to standard output, each on a line. */
  writeJsonLines(values: readonly unknown[]): Promise<void> {
    return writeTo(this.#io.stdout, values.map((value) => `${escapeJson(JSON.stringify(value))}\n`).join(''));
  }

  /** Writes a line of the result. */
  writeLine(line = ''): Promise<void> {
    return this.writeLines([line]);
  }

  /** Writes lines of the result. */
  writeLines(lines: readonly string[]): Promise<void> {
    return writeTo(this.#io.stdout, lines.map((line) => `${this.style.escape(line)}\n`).join(''));
  }

  /** Writes a table of the result. */
  async writeTable(columns: readonly Column[], rows: readonly (readonly string[])[], indent = ''): Promise<void> {
    // Escaped before the widths are computed.
    const cells = rows.map((row) => row.map((cell) => this.style.escape(cell)));
    const [titles = '', ...lines] = formatTable(columns, cells, this.width - indent.length);
    await this.writeLines([this.style.dim(titles), ...lines].map((line) => `${indent}${line}`));
  }

  /** Writes bytes of the result unchanged. */
  writeBytes(bytes: Uint8Array): Promise<void> {
    return writeTo(this.#io.stdout, bytes);
  }

  /** Writes a line to standard error, except with `--quiet`. */
  async note(line: string): Promise<void> {
    if (!this.quiet) await writeTo(this.#io.stderr, `${this.#errorStyle.escape(line)}\n`);
  }

  /**
   * Writes a warning to standard error, except with `--quiet`.
   *
   * @param isIncomplete - The result is incomplete: write the warning in any case.
   */
  warn(line: string, { isIncomplete = false } = {}): void {
    if (!this.quiet || isIncomplete) this.#io.stderr.write(`${this.#errorStyle.escape(`warning: ${line}`)}\n`);
  }

  /** Writes a line to standard error, only with `--debug`. */
  trace(line: string): void {
    if (this.#debug) this.#io.stderr.write(`${this.#errorStyle.escape(line)}\n`);
  }

  /** Writes an error to standard error and continues. */
  async reportProblem(problem: ErrorDescription): Promise<void> {
    const lines = renderDescription(problem, PROGRAM, this.#errorStyle);
    await writeTo(this.#io.stderr, lines.map((line) => `${line}\n`).join(''));
  }

  /** Returns a progress display that suits standard error. */
  openProgress(): Progress {
    if (this.quiet) return silentProgress;
    // Debug lines would break a bar that is redrawn in place.
    const isRedrawn = !this.#debug && isInteractive(this.#io.stderr, this.#io.env);
    return isRedrawn ? new ProgressBar(this.#io.stderr, this.#errorStyle) : plainProgress(this.#io.stderr);
  }
}
