import { CliError } from './errors.ts';

/** The name that people type. */
export const PROGRAM = 'soci-index';

/** Where text goes: as much of a Node stream as the program uses. */
export interface TextSink {
  write(chunk: string | Uint8Array, done?: (error?: Error | null) => void): boolean;
  /** Whether a person looks at it. */
  readonly isTTY?: boolean;
  /** Width of the terminal, in characters; 0 of a terminal that nobody has told its size, as of `docker run -t` in a script. */
  readonly columns?: number;
}

/** The world around one run of the program; a test gives its own. */
export interface CliIo {
  /** Passwords, where the command line says so. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Results: tables for people, JSON with `--json`, the bytes of a file for `cat`. */
  readonly stdout: TextSink;
  /** Everything else: progress, notes, errors. */
  readonly stderr: TextSink;
  /** `NO_COLOR`, `TERM` and `DEBUG` are looked at; for registries also proxies, and what AWS's SDK and docker look at. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires when the person wants the program to stop. */
  readonly signal: AbortSignal;
}

/** Width of a terminal, in characters; `otherwise` where it has none. */
export function widthOf({ columns }: TextSink, otherwise: number): number {
  return columns || otherwise;
}

/** Writes and waits until the sink has taken it, so that what is written last is not lost and memory stays bounded. */
export function writeTo(sink: TextSink, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Runs something with the process's own streams and environment. The first SIGINT, SIGTERM or SIGHUP asks it to stop and clean
 * up, a second one ends the process at once. A reader that has gone away (`| head`) ends it as quietly.
 */
export async function withProcessIo<Result>(run: (io: CliIo) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new CliError('INTERRUPTED', `stopped by ${signal}`));
  };
  const leave = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  process.stdout.on('error', leave);
  try {
    return await run({
      // Opened where it is asked for: a program that holds standard input open keeps others from ending.
      stdin: { [Symbol.asyncIterator]: () => process.stdin[Symbol.asyncIterator]() },
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      signal: controller.signal,
    });
  } finally {
    for (const signal of signals) process.off(signal, stop);
    process.stdout.off('error', leave);
  }
}
