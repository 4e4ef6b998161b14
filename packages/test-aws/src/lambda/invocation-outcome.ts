import { parseJson } from '../http/json-text.ts';
import type { WorkReport } from './instance.ts';
import type { InvocationOutcome } from './invocation.ts';

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
