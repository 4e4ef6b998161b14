import { setTimeout } from 'node:timers/promises';
import { FunctionError, type FunctionErrorCode, messageOf } from '../errors.ts';
import { permanentOutcome } from '../generator/outcome.ts';
import type { Log } from '../invocation.ts';

/** Settings for retries. */
export interface RetryContext {
  readonly log: Log;
  /** Aborted shortly before the timeout. */
  readonly signal: AbortSignal;
  /** Delay before the second attempt, in milliseconds. It doubles for each further attempt. */
  readonly pause: number;
}

/** Maximum delay between two attempts, in milliseconds. */
const MAX_PAUSE = 60_000;

/**
 * Maximum number of retries after denied access, because a new role takes time to become effective in all of AWS. With delays
 * from five seconds, doubled each time, this takes more than two minutes.
 */
const MAX_DENIALS = 5;

/** Errors that a retry cannot fix. */
const PERMANENT: ReadonlySet<FunctionErrorCode> = new Set([
  'ACCESS_DENIED',
  'ENVIRONMENT_INVALID',
  'IMAGE_MISSING',
  'NO_INDEX',
  'DEADLINE_NEAR',
]);

/**
 * Repeats `attempt` until it succeeds, fails permanently, or the signal is aborted.
 *
 * @throws the permanent error, or FunctionError `DEADLINE_NEAR` with the message of the last error.
 */
export async function retryUntilDone<Result>(
  attempt: () => Promise<Result>,
  { log, signal, pause: firstPause }: RetryContext,
): Promise<Result> {
  let denials = 0;
  for (let pause = firstPause; ; pause = Math.min(pause * 2, MAX_PAUSE)) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (isDenial(error)) denials += 1;
      if (isPermanent(error) && !(isDenial(error) && denials <= MAX_DENIALS)) throw error;
      log.warn('temporary error, trying again', { error });
      await setTimeout(pause, undefined, { signal }).catch(() => {
        const message = `the function was about to time out after several attempts: ${messageOf(error)}`;
        throw new FunctionError('DEADLINE_NEAR', message);
      });
    }
  }
}

function isDenial(error: unknown): boolean {
  if (error instanceof FunctionError) return error.code === 'ACCESS_DENIED';
  const outcome = permanentOutcome(error);
  return outcome?.outcome === 'failed' && outcome.reason === 'access-denied';
}

function isPermanent(error: unknown): boolean {
  if (error instanceof FunctionError) return PERMANENT.has(error.code);
  return permanentOutcome(error) !== undefined;
}
