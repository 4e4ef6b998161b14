import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ECHO, makeFunctionFolder } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';
import { startTestLambda } from './start-test-lambda.ts';

test('several instances run at the same time', async () => {
  const [one, two] = [await startLambdaForTest(), await startLambdaForTest({ account: '999999999999' })];
  const folder = makeFunctionFolder(ECHO);
  const arns = [one, two].map((lambda) => lambda.createFunction({ name: 'echo', folder }).arn);
  expect(arns).toEqual([
    'arn:aws:lambda:us-east-1:123456789012:function:echo',
    'arn:aws:lambda:us-east-1:999999999999:function:echo',
  ]);
  await one.invoke('echo', 1);
  expect([one.invocations.length, two.invocations.length]).toEqual([1, 0]);
});

test('idle resolves immediately without invocations', async () => {
  await (await startLambdaForTest()).idle();
});

test('rejects a duplicate function name', async () => {
  const lambda = await startLambdaForTest();
  const options = { name: 'echo', folder: makeFunctionFolder(ECHO) };
  lambda.createFunction(options);
  expect(() => lambda.createFunction(options)).toThrow(expect.objectContaining({ code: 'FUNCTION_EXISTS' }));
});

test('runs the new code of a function after an update', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'echo', folder: makeFunctionFolder(ECHO) });
  await lambda.invoke('echo', 1);
  const folder = makeFunctionFolder('export const handler = async () => process.env.VALUE;');
  await lambda.updateFunction({ name: 'echo', folder, environment: { VALUE: 'new' } });
  expect((await lambda.invoke('echo', 1)).outcome).toEqual({ status: 'success', result: 'new' });
  await expect(lambda.updateFunction({ name: 'other', folder })).rejects.toMatchObject({ code: 'FUNCTION_UNKNOWN' });
});

test('rejects unknown functions and invalid payloads', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'echo', folder: makeFunctionFolder(ECHO) });
  await expect(lambda.invoke('other', {})).rejects.toMatchObject({ code: 'FUNCTION_UNKNOWN' });
  await expect(lambda.invoke('echo', undefined)).rejects.toMatchObject({ code: 'PAYLOAD_INVALID' });
  const large = 'x'.repeat(1024 * 1024);
  expect(() => lambda.enqueue('echo', large)).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }));
});

test.each([
  { name: 'a b' },
  { folder: join(import.meta.dirname, 'none') },
  { handler: 'handler' },
  { timeout: 1801 },
  { timeout: 0.5 },
  { memorySize: 127 },
  { concurrency: 0 },
  { runtimeClient: [] },
])('rejects a function that Lambda would reject: %o', async (wrong) => {
  const lambda = await startLambdaForTest();
  const options = { name: 'echo', folder: makeFunctionFolder(ECHO), ...wrong };
  expect(() => lambda.createFunction(options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});

test.each([{ account: '1' }, { retryDelay: Number.NaN }])('rejects the options %o', async (options) => {
  await expect(startTestLambda(options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
});
