import { TestAwsError } from '../errors.ts';
import { openLoopbackServer } from '../http.ts';
import { Dispatcher } from './dispatcher.ts';
import type { TestFunction, TestFunctionOptions } from './function-options.ts';
import { FunctionSet } from './function-set.ts';
import { type AbandonedEvent, type Invocation, payloadOf } from './invocation.ts';
import { InvokeApi } from './invoke-api.ts';

/** Options of {@link startTestLambda}. */
export interface TestLambdaOptions {
  /** Account id of the functions. @default '123456789012' */
  readonly account?: string;
  /** Region of the functions. @default 'us-east-1' */
  readonly region?: string;
  /** Delay before a failed event is retried, in milliseconds. AWS waits one minute, then two. @default 100 */
  readonly retryDelay?: number;
}

/** A running test Lambda. */
export interface TestLambda {
  /** URL of the Invoke API, for `endpoint` of a `LambdaClient` or for `AWS_ENDPOINT_URL_LAMBDA`. Plain HTTP. */
  readonly endpoint: string;
  /** Finished invocations, in the order of their end. Each attempt of an event is an invocation. */
  readonly invocations: readonly Invocation[];
  /** Events that failed on all three attempts. */
  readonly abandoned: readonly AbandonedEvent[];

  /** Creates a function. @throws TestAwsError `FUNCTION_EXISTS`, `OPTION_INVALID`, `STOPPED` */
  createFunction(options: TestFunctionOptions): TestFunction;
  /**
   * Replaces the code and the settings of a function. Its running invocations fail with `STOPPED`.
   *
   * @throws TestAwsError `FUNCTION_UNKNOWN`, `OPTION_INVALID`, `STOPPED`
   */
  updateFunction(options: TestFunctionOptions): Promise<void>;
  /**
   * Invokes a function synchronously, without retries.
   *
   * @throws TestAwsError `FUNCTION_UNKNOWN`, `PAYLOAD_INVALID`, `PAYLOAD_TOO_LARGE`, `STOPPED`
   */
  invoke(name: string, payload: unknown): Promise<Invocation>;
  /**
   * Invokes a function asynchronously, like an AWS service. A failed event is retried twice.
   *
   * @returns The request id, which is the same for all attempts.
   * @throws TestAwsError `FUNCTION_UNKNOWN`, `PAYLOAD_INVALID`, `PAYLOAD_TOO_LARGE`, `STOPPED`
   */
  enqueue(name: string, payload: unknown): string;
  /** Resolves when all invocations, queued events and retries are finished. */
  idle(): Promise<void>;
  /** Calls `listener` with each finished invocation. @returns A function that removes the listener. */
  onInvocation(listener: (invocation: Invocation) => void): () => void;
  /** Rejects the next `times` calls of the Invoke API with 429 `TooManyRequestsException`. */
  throttle(times: number): void;
  /** Kills all processes and stops the server. Running invocations fail with `STOPPED`, and pending events are dropped. */
  stop(): Promise<void>;
}

/** Starts a Lambda on loopback. Call `stop` at the end. @throws TestAwsError `OPTION_INVALID` */
export async function startTestLambda(options: TestLambdaOptions = {}): Promise<TestLambda> {
  const { account = '123456789012', region = 'us-east-1', retryDelay = 100 } = options;
  if (!/^\d{12}$/.test(account)) {
    throw new TestAwsError('OPTION_INVALID', `account is ${account}: expected 12 digits`);
  }
  if (!(retryDelay >= 0)) throw new TestAwsError('OPTION_INVALID', `retryDelay is ${retryDelay}: expected at least 0`);
  const functions = new FunctionSet({ account, region });
  const dispatcher = new Dispatcher(retryDelay);
  const api = new InvokeApi(functions, dispatcher);
  const server = await openLoopbackServer((message, response) => api.handle(message, response));
  // Kill all processes if the test exits without stop().
  const killNow = () => functions.killNow();
  process.once('exit', killNow);

  return {
    endpoint: `http://${server.host}`,
    invocations: dispatcher.invocations,
    abandoned: dispatcher.abandoned,
    createFunction: (functionOptions) => functions.create(functionOptions),
    updateFunction: (functionOptions) => functions.update(functionOptions),
    invoke: async (name, payload) => {
      const pool = functions.find(name);
      return (await dispatcher.invoke(pool, payloadOf(payload, 'RequestResponse'))).invocation;
    },
    enqueue: (name, payload) => dispatcher.enqueue(functions.find(name), payloadOf(payload, 'Event')),
    idle: () => dispatcher.idle(),
    onInvocation: (listener) => dispatcher.listen(listener),
    throttle: (times) => api.throttle(times),
    stop: async () => {
      process.off('exit', killNow);
      dispatcher.stop();
      await functions.stop();
      await server.close();
    },
  };
}
