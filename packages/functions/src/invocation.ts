import { FunctionError } from './errors.ts';

/** What the functions use of the context that Lambda hands to a handler. */
export interface LambdaContext {
  /** Of the invocation; the same when Lambda tries again. */
  readonly awsRequestId: string;
  /** ARN by which the function was invoked. */
  readonly invokedFunctionArn: string;
  readonly functionName: string;
  /** MB. */
  readonly memoryLimitInMB: string;
  /** Milliseconds until Lambda ends the invocation. */
  getRemainingTimeInMillis(): number;
}

/** Account and Region of a function. Events from elsewhere are ignored. */
export interface AwsLocation {
  readonly account: string;
  readonly region: string;
}

/** The account and the Region of a function, by its ARN: `arn:aws:lambda:REGION:ACCOUNT:function:NAME`. */
export function locationOf({ invokedFunctionArn }: Pick<LambdaContext, 'invokedFunctionArn'>): AwsLocation {
  const [, , , region = '', account = ''] = invokedFunctionArn.split(':');
  return { account, region };
}

/** Milliseconds before the end of an invocation at which its work is ended. */
const MARGIN = 10_000;

/** A signal that ends the work before Lambda does. */
export interface Deadline {
  /** Aborted with a FunctionError `DEADLINE_NEAR` that says how far the work has come. */
  readonly signal: AbortSignal;
  /** Lets go of the clock. */
  stop(): void;
}

/**
 * Ends work ten seconds before Lambda would, so that there is time to say so; of a function that is given less than twenty,
 * when half of its time is over.
 *
 * @param milliseconds - That Lambda has left for the invocation.
 * @param describeProgress - How far the work has come, for people.
 */
export function startDeadline(milliseconds: number, describeProgress: () => string): Deadline {
  const abort = new AbortController();
  const end = (): void => {
    abort.abort(
      new FunctionError(
        'DEADLINE_NEAR',
        `the time of the invocation was nearly over: ${describeProgress()}. Nothing was tagged. Give the function more time, or more memory, which is more of a processor`,
      ),
    );
  };
  const timer = setTimeout(end, Math.max(0, milliseconds - Math.min(MARGIN, milliseconds / 2)));
  return { signal: abort.signal, stop: () => clearTimeout(timer) };
}
