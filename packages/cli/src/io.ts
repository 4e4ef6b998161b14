import { fstatSync } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { isatty } from 'node:tty';
import { CliError } from './errors.ts';

/** Name of the program. */
export const PROGRAM = 'soci-index';

/** The part of a Node.js stream that the program uses for output. */
export interface TextSink {
  write(chunk: string | Uint8Array, done?: (error?: Error | null) => void): boolean;
  /** Whether the stream is a terminal. */
  readonly isTTY?: boolean;
  /** Width of the terminal, in columns. 0 if the terminal has no size, as with `docker run -t` in a script. */
  readonly columns?: number;
  /** Whether the reader has closed the stream, so that output is lost. @default false */
  readonly isClosed?: boolean;
}

/** Standard input. */
export interface StandardInput extends AsyncIterable<Uint8Array> {
  /** Whether it is a terminal. */
  readonly isTTY?: boolean;
  /** Path of the regular file that it reads, for reads at any position. @default it is a pipe or something else */
  readonly file?: string;
}

/** Streams, environment and signal for one run of the program. Tests provide their own. */
export interface CliIo {
  /** Password, with `--password-stdin`, or an archive. */
  readonly stdin: StandardInput;
  /** Results: tables, JSON with `--json`, or the content of a file for `cat`. */
  readonly stdout: TextSink;
  /** Everything else: progress, notes, errors. */
  readonly stderr: TextSink;
  /** Environment: `NO_COLOR`, `TERM`, `DEBUG`, and for registries the variables for proxies, the AWS SDK and docker. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the user interrupts the program. */
  readonly signal: AbortSignal;
  /** Returns standard output for a file, see {@link ClaimableIo}. */
  claimStdout?(): TextSink;
}

/** Streams whose standard output can be claimed for a file, such as an archive. Everything else then goes to standard error. */
export class ClaimableIo implements CliIo {
  readonly stdin: CliIo['stdin'];
  readonly stderr: TextSink;
  readonly env: CliIo['env'];
  readonly signal: AbortSignal;
  readonly #stdout: TextSink;
  #isClaimed = false;

  constructor({ stdin, stdout, stderr, env, signal }: CliIo) {
    this.stdin = stdin;
    this.#stdout = stdout;
    this.stderr = stderr;
    this.env = env;
    this.signal = signal;
  }

  get stdout(): TextSink {
    return this.#isClaimed ? this.stderr : this.#stdout;
  }

  claimStdout(): TextSink {
    this.#isClaimed = true;
    return this.#stdout;
  }
}

/** Returns the width of a terminal in columns, or `defaultWidth` if it is unknown. */
export function widthOf({ columns }: TextSink, defaultWidth: number): number {
  return columns || defaultWidth;
}

/** Writes a chunk and waits until the sink has accepted it. This bounds memory and keeps the last output. */
export function writeTo(sink: TextSink, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Calls `run` with the streams and environment of the process. The first SIGINT, SIGTERM or SIGHUP aborts the signal, so
 * that the program can clean up. A second one ends the process immediately. If the reader of an output closes it (`| head`), the rest
 * of that output is lost, and nothing else happens.
 */
export async function withProcessIo<Result>(run: (io: CliIo) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      // Not process.exit, which waits for reads in other threads.
      process.off(signal, stop);
      process.kill(process.pid, signal);
    }
    controller.abort(new CliError('INTERRUPTED', `stopped by ${signal}`));
  };
  const io = new ClaimableIo({
    // Opened on first use: an open standard input can keep other programs in the pipe from ending.
    stdin: {
      isTTY: isatty(0),
      ...(isRegularFile(0) && { file: '/dev/stdin' }),
      // A pending read of an idle pipe would delay the exit until more data arrives.
      [Symbol.asyncIterator]: () => addAbortSignal(controller.signal, process.stdin)[Symbol.asyncIterator](),
    },
    stdout: new ProcessSink(process.stdout, 'standard output'),
    // If messages cannot be written, there is no place to say so.
    stderr: new ProcessSink(process.stderr),
    env: process.env,
    signal: controller.signal,
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    return await run(io);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

/** Reports whether an open file is a regular file. Windows has no path for it. */
function isRegularFile(descriptor: number): boolean {
  try {
    return process.platform !== 'win32' && fstatSync(descriptor).isFile();
  } catch {
    // Standard input is closed.
    return false;
  }
}

/** Standard output or standard error of the process. */
class ProcessSink implements TextSink {
  isClosed = false;
  readonly #stream: NodeJS.WriteStream;
  readonly #name: string | undefined;
  #failure: CliError | undefined;

  /** @param name - Name for error messages. @default errors are ignored */
  constructor(stream: NodeJS.WriteStream, name?: string) {
    this.#stream = stream;
    this.#name = name;
    // Without a listener, an error ends the process at once. The callback of each write gets it, too.
    stream.on('error', () => {});
  }

  get isTTY(): boolean {
    return this.#stream.isTTY;
  }

  get columns(): number {
    return this.#stream.columns;
  }

  write(chunk: string | Uint8Array, done: (error?: Error | null) => void = () => {}): boolean {
    if (this.isClosed || this.#failure !== undefined) {
      done(this.#failure);
      return true;
    }
    return this.#stream.write(chunk, (cause) => {
      if (cause) this.#fail(cause);
      done(this.#failure);
    });
  }

  #fail(cause: NodeJS.ErrnoException): void {
    if (cause.code === 'EPIPE' || this.#name === undefined) this.isClosed = true;
    else this.#failure ??= new CliError('OUTPUT_FAILED', `cannot write to ${this.#name}: ${cause.message}`, { cause });
  }
}
