import { CliError } from './errors.ts';
import type { CliIo } from './io.ts';

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
