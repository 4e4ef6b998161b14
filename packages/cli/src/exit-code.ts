/**
 * What the program's exit code says; documented in docs/cli.md and kept stable.
 *
 * - `DONE` (0): what was asked for was done.
 * - `FAILED` (1): it could not be done; the error says why.
 * - `USAGE` (2): the command line itself is wrong; nothing was tried.
 * - `NOTHING` (3): a result, not a failure: no layer of the image can be indexed, with the reason of each.
 * - `INTERRUPTED` (130): stopped by Ctrl-C or a signal, and cleaned up.
 */
export const EXIT = { DONE: 0, FAILED: 1, USAGE: 2, NOTHING: 3, INTERRUPTED: 130 } as const;

/** One of the program's exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
