import { TestAwsError } from '../errors.ts';
import { openLoopbackServer } from '../http.ts';
import { Dispatcher } from './dispatcher.ts';
import { FunctionSet } from './function-set.ts';
import { InvokeApi } from './invoke-api.ts';
import { payloadOf } from './payload.ts';
import type { TestLambda, TestLambdaOptions } from './test-lambda.ts';

/**
 * Starts a Lambda on loopback, without functions yet. Stop it when you are done.
 *
 * @throws TestAwsError `OPTION_INVALID`
 */
export async function startTestLambda(options: TestLambdaOptions = {}): Promise<TestLambda> {
  const { account = '123456789012', region = 'us-east-1', retryDelay = 100 } = options;
  if (!/^\d{12}$/.test(account))
    throw new TestAwsError('OPTION_INVALID', `account is ${account}: 12 digits are expected`);
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
      const { invocation } = await dispatcher.invoke(pool, payloadOf(payload, 'RequestResponse'));
      return invocation;
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
