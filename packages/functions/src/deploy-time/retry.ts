import { setTimeout } from 'node:timers/promises';
import { FunctionError, type FunctionErrorCode, messageOf } from '../errors.ts';
import { permanentOutcome } from '../generator/outcome.ts';
import type { Log } from '../invocation.ts';

/** How something is tried again. */
export interface RetryContext {
  readonly log: Log;
  /** Aborted when the time is nearly over. */
  readonly signal: AbortSignal;
  /** Milliseconds before the second try, and twice as many each further time. */
  readonly pause: number;
}

/** Longest pause between two tries, in milliseconds. */
const MAX_PAUSE = 60_000;

/**
 * How often it is tried again where access is denied: a role that was made a moment ago is not known everywhere in AWS. With
 * pauses of five seconds and twice as many each time, for more than two minutes.
 */
const MAX_DENIALS = 5;

/** What trying again does not mend. */
const PERMANENT: ReadonlySet<FunctionErrorCode> = new Set([
  'ACCESS_DENIED',
  'ENVIRONMENT_INVALID',
  'IMAGE_MISSING',
  'NO_INDEX',
  'DEADLINE_NEAR',
]);

/**
 * Tries something until it succeeds, fails for good, or the time is over.
 *
 * @throws what it fails with for good; FunctionError `DEADLINE_NEAR` with what the last try failed with.
 */
export async function tryUntilDone<Result>(
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
      log.warn('it failed in passing, and is tried again', { error });
      await setTimeout(pause, undefined, { signal }).catch(() => {
        const message = `the time of the function was nearly over, after several tries: ${messageOf(error)}`;
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
