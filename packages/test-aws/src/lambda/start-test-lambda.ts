import { TestAwsError } from '../errors.ts';
import { openLoopbackServer } from '../http.ts';
import { Dispatcher } from './dispatcher.ts';
import type { TestFunction, TestFunctionOptions } from './function-options.ts';
import { FunctionSet } from './function-set.ts';
import { type AbandonedEvent, type Invocation, payloadOf } from './invocation.ts';
import { InvokeApi } from './invoke-api.ts';

/** How a Lambda for tests is. */
export interface TestLambdaOptions {
  /** Account that the functions belong to. @default '123456789012' */
  readonly account?: string;
  /** Region that they are in. @default 'us-east-1' */
  readonly region?: string;
  /** Milliseconds before an event that has failed is tried again. The service waits one minute, then two. @default 100 */
  readonly retryDelay?: number;
}

/** A Lambda that runs. */
export interface TestLambda {
  /** Where its Invoke API is: the `endpoint` of a `LambdaClient`, or its `AWS_ENDPOINT_URL_LAMBDA`. Plain HTTP. */
  readonly endpoint: string;
  /** The invocations that are over, in the order in which they ended; every try of an event is one. */
  readonly invocations: readonly Invocation[];
  /** The events that failed on each of three tries. */
  readonly abandoned: readonly AbandonedEvent[];

  /** Makes a function. @throws TestAwsError `FUNCTION_EXISTS`, `OPTION_INVALID`, `STOPPED` */
  createFunction(options: TestFunctionOptions): TestFunction;
  /**
   * Invokes a function and waits for its end, whatever that is. Nothing is tried again.
   *
   * @throws TestAwsError `FUNCTION_UNKNOWN`, `PAYLOAD_INVALID`, `PAYLOAD_TOO_LARGE`, `STOPPED`
   */
  invoke(name: string, payload: unknown): Promise<Invocation>;
  /**
   * Leaves an event for a function, as a service of AWS does: where it fails it is tried again, twice.
   *
   * @returns The request id that all its tries have.
   * @throws TestAwsError `FUNCTION_UNKNOWN`, `PAYLOAD_INVALID`, `PAYLOAD_TOO_LARGE`, `STOPPED`
   */
  enqueue(name: string, payload: unknown): string;
  /** Resolves when nothing is queued, runs or waits to be tried again. */
  idle(): Promise<void>;
  /** Calls `listener` with each invocation when it is over. @returns Ends it. */
  onInvocation(listener: (invocation: Invocation) => void): () => void;
  /** Refuses the next `times` calls of the Invoke API with 429, `TooManyRequestsException`. */
  throttle(times: number): void;
  /** Ends all processes and the server. What is under way fails with `STOPPED`, or is forgotten. */
  stop(): Promise<void>;
}

/** Starts a Lambda on loopback, without functions yet. Stop it when you are done. @throws TestAwsError `OPTION_INVALID` */
export async function startTestLambda(options: TestLambdaOptions = {}): Promise<TestLambda> {
  const { account = '123456789012', region = 'us-east-1', retryDelay = 100 } = options;
  if (!/^\d{12}$/.test(account)) {
    throw new TestAwsError('OPTION_INVALID', `account is ${account}: 12 digits are expected`);
  }
  if (!(retryDelay >= 0)) throw new TestAwsError('OPTION_INVALID', `retryDelay is ${retryDelay}: at least 0`);
  const functions = new FunctionSet({ account, region });
  const dispatcher = new Dispatcher(retryDelay);
  const api = new InvokeApi(functions, dispatcher);
  const server = await openLoopbackServer((message, response) => api.handle(message, response));
  // Whoever ends without stop() leaves no process behind.
  const killNow = () => functions.killNow();
  process.once('exit', killNow);

  return {
    endpoint: `http://${server.host}`,
    invocations: dispatcher.invocations,
    abandoned: dispatcher.abandoned,
    createFunction: (functionOptions) => functions.create(functionOptions),
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
