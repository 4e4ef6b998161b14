import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ECHO, makeFunctionFolder } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';
import { startTestLambda } from './start-test-lambda.ts';

test('several run beside each other', async () => {
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

test('idle without anything to do, it says so at once', async () => {
  await (await startLambdaForTest()).idle();
});

test('a name is taken once', async () => {
  const lambda = await startLambdaForTest();
  const options = { name: 'echo', folder: makeFunctionFolder(ECHO) };
  lambda.createFunction(options);
  expect(() => lambda.createFunction(options)).toThrow(expect.objectContaining({ code: 'FUNCTION_EXISTS' }));
});

test('what has no function, or cannot be its payload, is an error of the call', async () => {
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
  { timeout: 901 },
  { timeout: 0.5 },
  { memorySize: 127 },
  { concurrency: 0 },
  { runtimeClient: [] },
])('a function that Lambda would not make is refused: %o', async (wrong) => {
  const lambda = await startLambdaForTest();
  const options = { name: 'echo', folder: makeFunctionFolder(ECHO), ...wrong };
  expect(() => lambda.createFunction(options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});

test.each([{ account: '1' }, { retryDelay: Number.NaN }])('so are options that make no sense: %o', async (options) => {
  await expect(startTestLambda(options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
});
