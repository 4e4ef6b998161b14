// Runs a function: asks the Runtime API for an invocation, calls the handler, answers, and asks again. It is started as a
// program of its own by whichever Node a function is to run on, and imports little, so that a cold start is the function's.
import { type Handler, loadHandler, makeContext } from './runtime-client/handler.ts';
import { type NextInvocation, RuntimeApiClient } from './runtime-client/runtime-api-client.ts';

const { AWS_LAMBDA_RUNTIME_API = '', LAMBDA_TASK_ROOT = '', _HANDLER = '' } = process.env;
const api = new RuntimeApiClient(AWS_LAMBDA_RUNTIME_API);

let handler: Handler;
try {
  handler = await loadHandler(LAMBDA_TASK_ROOT, _HANDLER);
} catch (error) {
  console.error(error);
  await api.failInit(error);
  process.exit(1);
}

while (true) {
  await run(await api.next());
  await flushLog();
}

async function run(invocation: NextInvocation): Promise<void> {
  process.env._X_AMZN_TRACE_ID = invocation.traceId;
  let result: string;
  try {
    const value = await handler(JSON.parse(invocation.payload), makeContext(invocation));
    result = JSON.stringify(value) ?? 'null';
  } catch (error) {
    console.error(error);
    return api.fail(invocation.requestId, error);
  }
  return api.respond(invocation.requestId, result);
}

/** Lets out what the handler has written and no pipe had room for: it belongs to this invocation. */
async function flushLog(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
}
