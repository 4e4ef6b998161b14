import { expect, test } from 'vitest';
import { makeFunctionFolder, SCRIPTED } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';

/** Fails until the number of calls reaches the number in the event. */
const FAILING = `
  import { appendFileSync, readFileSync } from 'node:fs';

  export async function handler({ failures }) {
    appendFileSync('calls', '.');
    if (readFileSync('calls').length <= failures) throw new Error('not yet');
    return 'done';
  }
`;

test('retries a failed event twice', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'failing', folder: makeFunctionFolder(FAILING) });
  const requestId = lambda.enqueue('failing', { failures: 2 });
  await lambda.idle();
  expect(lambda.invocations.map(({ attempt, outcome }) => [attempt, outcome.status])).toEqual([
    [1, 'error'],
    [2, 'error'],
    [3, 'success'],
  ]);
  expect(new Set(lambda.invocations.map((invocation) => invocation.requestId))).toEqual(new Set([requestId]));
  expect(lambda.abandoned).toEqual([]);
});

test('abandons an event after three attempts', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'failing', folder: makeFunctionFolder(FAILING) });
  const requestId = lambda.enqueue('failing', { failures: 3 });
  await lambda.idle();
  expect(lambda.invocations).toHaveLength(3);
  expect(lambda.abandoned).toEqual([
    {
      functionName: 'failing',
      requestId,
      payload: { failures: 3 },
      attempts: 3,
      outcome: { status: 'error', errorType: 'Error', errorMessage: 'not yet' },
    },
  ]);
});

test('retries after crashes and timeouts', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'worker', folder: makeFunctionFolder(SCRIPTED), timeout: 1 });
  lambda.enqueue('worker', { exit: 1 });
  lambda.enqueue('worker', { sleepFor: 60_000 });
  await lambda.idle();
  expect(lambda.invocations).toHaveLength(6);
  expect(lambda.abandoned.map(({ outcome }) => outcome.status).sort()).toEqual(['crash', 'timeout']);
});

test('does not retry synchronous invocations', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'failing', folder: makeFunctionFolder(FAILING) });
  expect((await lambda.invoke('failing', { failures: 1 })).outcome.status).toBe('error');
  await lambda.idle();
  expect(lambda.invocations).toHaveLength(1);
});

test('calls listeners after each attempt', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'failing', folder: makeFunctionFolder(FAILING) });
  const seen: number[] = [];
  const end = lambda.onInvocation(({ attempt }) => seen.push(attempt));
  lambda.enqueue('failing', { failures: 1 });
  await lambda.idle();
  end();
  await lambda.invoke('failing', { failures: 0 });
  expect(seen).toEqual([1, 2]);
});
