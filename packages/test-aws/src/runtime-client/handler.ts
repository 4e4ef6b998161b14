import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NextInvocation } from './runtime-api-client.ts';

/** A function as its author writes it. */
export type Handler = (event: unknown, context: object) => unknown;

const EXTENSIONS = ['.mjs', '.js', '.cjs'];

/**
 * Imports the module of a handler and finds the function in it.
 *
 * @param folder - Of the code.
 * @param handler - File without its extension, and what it exports: `index.handler`.
 * @throws What the module throws; `Runtime.ImportModuleError`, `Runtime.HandlerNotFound`.
 */
export async function loadHandler(folder: string, handler: string): Promise<Handler> {
  const dot = handler.lastIndexOf('.');
  const [file, name] = [resolve(folder, handler.slice(0, dot)), handler.slice(dot + 1)];
  const path = EXTENSIONS.map((extension) => file + extension).find((candidate) => existsSync(candidate));
  if (path === undefined)
    throw named('Runtime.ImportModuleError', `Error: Cannot find module '${handler.slice(0, dot)}'`);
  const module: Record<string, unknown> = await import(pathToFileURL(path).href);
  // What a CommonJS module exports is not always seen by its name.
  const found = module[name] ?? (module.default as Record<string, unknown> | undefined)?.[name];
  if (typeof found !== 'function') throw named('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  return found as Handler;
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** What a handler is told of its invocation. @see AWS Lambda Developer Guide, "Using the Lambda context object" */
export function makeContext({ requestId, functionArn, deadline }: NextInvocation): object {
  const { env } = process;
  return {
    awsRequestId: requestId,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    invokedFunctionArn: functionArn,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}
