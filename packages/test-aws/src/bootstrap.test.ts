import { expect, test } from 'vitest';
import { makeFunctionFolder } from './fixtures/function-folder.ts';
import { startLambdaForTest } from './fixtures/running.ts';
import type { Invocation } from './lambda/invocation.ts';

/** Runs a function once. */
async function run(source: string, file?: string): Promise<Invocation> {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'one', folder: makeFunctionFolder(source, file), timeout: 7, memorySize: 256 });
  return lambda.invoke('one', { n: 1 });
}

test('passes the event and the context of Lambda to the handler', async () => {
  const { outcome, requestId } = await run(`
    export const handler = (event, { getRemainingTimeInMillis, ...context }) =>
      ({ event, context, remaining: getRemainingTimeInMillis() });
  `);
  expect(outcome).toEqual({
    status: 'success',
    result: {
      event: { n: 1 },
      context: {
        awsRequestId: requestId,
        functionName: 'one',
        functionVersion: '$LATEST',
        memoryLimitInMB: '256',
        invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:one',
        logGroupName: '/aws/lambda/one',
        logStreamName: expect.stringContaining('[$LATEST]'),
        callbackWaitsForEmptyEventLoop: true,
      },
      remaining: expect.toSatisfy((left: number) => left > 0 && left <= 7000),
    },
  });
});

test('returns null for undefined', async () => {
  expect((await run('export const handler = () => {};')).outcome).toEqual({ status: 'success', result: null });
});

test.each([
  ['index.js', `exports.handler = async () => 'CommonJS';`, 'CommonJS'],
  ['index.cjs', `module.exports = { handler: async () => 'CommonJS' };`, 'CommonJS'],
  ['index.mjs', `export async function handler() { return 'a module'; }`, 'a module'],
])('loads a handler from %s', async (file, source, result) => {
  expect((await run(source, file)).outcome).toEqual({ status: 'success', result });
});

test.each([
  [`throw new RangeError('not today');`, 'RangeError', 'not today'],
  [`import './none.mjs';`, 'Error', expect.stringContaining('none.mjs')],
  [`export const handle = () => 1;`, 'Runtime.HandlerNotFound', 'index.handler is undefined or not exported'],
])('reports a load error as the error of the invocation: %s', async (source, errorType, errorMessage) => {
  const { outcome, isCold, log, ...rest } = await run(source);
  expect(outcome).toEqual({ status: 'error', errorType, errorMessage });
  expect(isCold).toBe(true);
  expect(log.join('\n')).toContain(errorType);
  expect(rest).not.toHaveProperty('initMilliseconds');
});

test('reports a missing file with its name', async () => {
  expect((await run('', 'main.mjs')).outcome).toEqual({
    status: 'error',
    errorType: 'Runtime.ImportModuleError',
    errorMessage: "Error: Cannot find module 'index'",
  });
});

test('converts a thrown value to an error', async () => {
  const { outcome } = await run(`export const handler = async () => { throw 'a text'; };`);
  expect(outcome).toEqual({ status: 'error', errorType: 'Error', errorMessage: 'a text' });
});

test('exits on an uncaught error', async () => {
  const { outcome, log } = await run(`
    export const handler = () => new Promise(() => setTimeout(() => { throw new Error('unseen'); }));
  `);
  expect(outcome).toEqual({ status: 'crash', message: 'Runtime exited with error: exit status 1' });
  expect(log.join('\n')).toContain('unseen');
});
