// Runtime client: gets invocations from the Runtime API, calls the handler and sends the responses. It runs as a separate program
// with the Node.js version of the function. It imports little, which keeps cold starts short.
// See AWS Lambda Developer Guide, "Using the Lambda runtime API" and "Using the Lambda context object".
import { existsSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Handler of a function. */
type Handler = (event: unknown, context: object) => unknown;

const { env } = process;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

let handler: Handler;
try {
  handler = await loadHandler(env.LAMBDA_TASK_ROOT ?? '', env._HANDLER ?? '');
} catch (error) {
  console.error(error);
  await sendError('init/error', error);
  process.exit(1);
}

while (true) {
  await runNext();
  await flushLog();
}

async function runNext(): Promise<void> {
  const { status, headers, body } = await send('GET', 'invocation/next');
  if (status !== 200) throw new Error(`the Runtime API returned no invocation: ${status} ${body}`);
  const header = (name: string) => String(headers[`lambda-runtime-${name}`] ?? '');
  const [requestId, deadline] = [header('aws-request-id'), Number(header('deadline-ms'))];
  const context = {
    awsRequestId: requestId,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    invokedFunctionArn: header('invoked-function-arn'),
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  env._X_AMZN_TRACE_ID = header('trace-id');
  let result: string;
  try {
    result = JSON.stringify(await handler(JSON.parse(body), context)) ?? 'null';
  } catch (error) {
    console.error(error);
    return sendError(`invocation/${requestId}/error`, error);
  }
  // If the response is rejected, Lambda reports an error and the runtime continues.
  await send('POST', `invocation/${requestId}/response`, result);
}

/** Flushes buffered output, which belongs to this invocation. */
async function flushLog(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
}

/** Loads the function with the name `FILE.FUNCTION`, where FILE has no extension. */
async function loadHandler(folder: string, name: string): Promise<Handler> {
  const dot = name.lastIndexOf('.');
  const [file, exported] = [name.slice(0, dot), name.slice(dot + 1)];
  const path = ['.mjs', '.js', '.cjs']
    .map((extension) => resolve(folder, file) + extension)
    .find((at) => existsSync(at));
  if (path === undefined) throw named('Runtime.ImportModuleError', `Error: Cannot find module '${file}'`);
  const module: Record<string, unknown> = await import(pathToFileURL(path).href);
  // Named exports of CommonJS modules are not always detected.
  const found = module[exported] ?? (module.default as Record<string, unknown> | undefined)?.[exported];
  if (typeof found !== 'function') throw named('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  return found as Handler;
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

async function sendError(path: string, error: unknown): Promise<void> {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const body = JSON.stringify({ errorType: name, errorMessage: message, trace: stack?.split('\n') ?? [] });
  await send('POST', path, body, { 'lambda-runtime-function-error-type': name });
}

/** Sends a request to the Runtime API, over one connection. */
function send(
  method: string,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const url = `http://${env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/${path}`;
    const size = { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(url, { method, agent, headers: { ...headers, ...size } }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
