import { CliError } from './errors.ts';
import type { CliIo } from './io.ts';

/**
 * The process's own streams and environment. The first SIGINT, SIGTERM or SIGHUP asks the program to stop and clean up,
 * a second one ends it at once. A reader that has gone away (`| head`) ends it as quietly.
 */
export function processIo(): CliIo & { dispose(): void } {
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
  return {
    // Opened where it is asked for: a program that holds standard input open keeps others from ending.
    stdin: { [Symbol.asyncIterator]: () => process.stdin[Symbol.asyncIterator]() },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: controller.signal,
    dispose() {
      for (const signal of signals) process.off(signal, stop);
      process.stdout.off('error', leave);
    },
  };
}
