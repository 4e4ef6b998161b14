import { parseJson } from '../http.ts';
import type { WorkReport } from './instance.ts';
import type { InvocationType } from './payload.ts';

/**
 * What became of an invocation.
 *
 * - `success`: the function returned `result`.
 * - `error`: it threw, could not be loaded, or returned more than Lambda takes.
 * - `timeout`: it took longer than it may, and was killed.
 * - `crash`: its process ended while it worked, or before it had begun.
 */
export type InvocationOutcome =
  | { readonly status: 'success'; readonly result: unknown }
  | { readonly status: 'error'; readonly errorType: string; readonly errorMessage: string }
  | { readonly status: 'timeout' }
  | { readonly status: 'crash'; readonly message: string };

/** One run of a function, over. An event that is tried again makes several, with one `requestId`. */
export interface Invocation {
  readonly functionName: string;
  readonly requestId: string;
  readonly payload: unknown;
  readonly type: InvocationType;
  /** Which try of the event it was, 1 to 3. Always 1 where the caller waited. */
  readonly attempt: number;
  readonly outcome: InvocationOutcome;
  /** Whether a process was started for it. */
  readonly isCold: boolean;
  /** Milliseconds from the start of its process to when that asked for work. Absent where it was warm, or never asked. */
  readonly initMilliseconds?: number;
  /** Milliseconds from when the process got the work to its answer, or to its end. Without the start of the process. */
  readonly milliseconds: number;
  /**
   * Most bytes of physical memory that the process has held since it was started, by the kernel's account (`VmHWM`).
   * Absent where there is no such account, and of a process that ended by itself.
   */
  readonly maxMemory?: number;
  /** Lines that it wrote to standard output and error, in their order; of a cold one, those of its start too. */
  readonly log: readonly string[];
}

/** An event that failed on each of its tries: what a dead-letter queue would get. */
export interface AbandonedEvent {
  readonly functionName: string;
  readonly requestId: string;
  readonly payload: unknown;
  /** How often it was tried. */
  readonly attempts: number;
  /** What became of the last try. */
  readonly outcome: InvocationOutcome;
}

/** What a caller gets: the payload of the answer, and whether that is of an error. */
export interface InvokeAnswer {
  readonly payload: Buffer;
  readonly isError: boolean;
}

/** What became of an invocation, as the test sees it. */
export function outcomeOf({ end }: WorkReport): InvocationOutcome {
  switch (end.kind) {
    case 'response': {
      const text = end.bytes.toString();
      const result = parseJson(text);
      return { status: 'success', result: result === undefined ? text : result };
    }
    case 'error':
      return { status: 'error', errorType: end.errorType, errorMessage: end.errorMessage };
    case 'timeout':
      return { status: 'timeout' };
    case 'exit':
      return { status: 'crash', message: end.reason };
  }
}

/** What its caller gets, in Lambda's words. */
export function invokeAnswerOf({ end }: WorkReport, requestId: string, seconds: number): InvokeAnswer {
  const failed = (errorType: string, errorMessage: string) => ({
    payload: Buffer.from(JSON.stringify({ errorType, errorMessage: `RequestId: ${requestId} Error: ${errorMessage}` })),
    isError: true,
  });
  switch (end.kind) {
    case 'response':
      return { payload: end.bytes, isError: false };
    case 'error':
      return { payload: end.bytes, isError: true };
    case 'timeout':
      return failed('Sandbox.Timedout', `Task timed out after ${seconds.toFixed(2)} seconds`);
    case 'exit':
      return failed('Runtime.ExitError', end.reason);
  }
}
