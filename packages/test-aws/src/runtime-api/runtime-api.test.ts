import { expect, test } from 'vitest';
import { startLambdaForTest } from '../fixtures/running.ts';
import { createUnruly } from '../fixtures/unruly-runtime.ts';

/** What a runtime of the test's own says in the end. */
async function resultOf(script: string): Promise<unknown> {
  const lambda = await startLambdaForTest();
  createUnruly(lambda, script);
  const { outcome } = await lambda.invoke('unruly', { n: 1 });
  return outcome.status === 'success' ? outcome.result : outcome;
}

test('a runtime asks for work and gets it with its headers', async () => {
  const before = Date.now();
  const result = await resultOf(`
    const response = await fetch(runtime + '/invocation/next');
    const id = response.headers.get('lambda-runtime-aws-request-id');
    const headers = Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('lambda-')));
    const body = JSON.stringify({ headers, event: await response.json() });
    await call('POST', runtime + '/invocation/' + id + '/response', body);
    await next();
  `);
  expect(result).toEqual({
    event: { n: 1 },
    headers: {
      'lambda-runtime-aws-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'lambda-runtime-deadline-ms': expect.stringMatching(/^\d{13}$/),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:123456789012:function:unruly',
      'lambda-runtime-trace-id': expect.stringContaining('Root=1-'),
    },
  });
  const { headers } = result as { headers: Record<string, string> };
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  expect(deadline).toBeGreaterThanOrEqual(before + 10_000);
  expect(deadline).toBeLessThanOrEqual(Date.now() + 10_000);
});

test('what the specification does not know is refused, and the invocation goes on', async () => {
  const result = await resultOf(`
    const id = await next();
    const invocation = runtime + '/invocation/' + id;
    const told = {
      path: await call('POST', runtime + '/invocation/' + id + '/result', '1'),
      version: await call('GET', api + '/2015-03-31/runtime/invocation/next'),
      method: await call('PUT', invocation + '/response', '1'),
      otherId: await call('POST', runtime + '/invocation/00000000-0000-0000-0000-000000000000/response', '1'),
      secondNext: await call('GET', runtime + '/invocation/next'),
      lateInitError: await call('POST', runtime + '/init/error', '{}'),
      shapelessError: await call('POST', invocation + '/error', 'it went wrong'),
    };
    await call('POST', invocation + '/response', JSON.stringify(told));
    await next();
  `);
  expect(result).toEqual({
    path: [404, 'NotFound'],
    version: [404, 'NotFound'],
    method: [405, 'MethodNotAllowed'],
    otherId: [400, 'InvalidRequestID'],
    secondNext: [403, 'InvalidStateTransition'],
    lateInitError: [403, 'InvalidStateTransition'],
    shapelessError: [400, 'InvalidErrorShape'],
  });
});

test('an invocation is answered once', async () => {
  const lambda = await startLambdaForTest();
  createUnruly(
    lambda,
    `
    while (true) {
      const url = runtime + '/invocation/' + (await next());
      console.log(JSON.stringify(await call('POST', url + '/response', '"first"')));
      console.log(JSON.stringify(await call('POST', url + '/response', '"second"')));
      console.log(JSON.stringify(await call('POST', url + '/error', '{"errorType":"Third"}')));
    }`,
  );
  const { outcome, log } = await lambda.invoke('unruly', {});
  expect(outcome).toEqual({ status: 'success', result: 'first' });
  expect(log).toEqual([
    String.raw`[202,"{\"status\":\"OK\"}"]`,
    '[403,"InvalidStateTransition"]',
    '[403,"InvalidStateTransition"]',
  ]);
  expect(await lambda.invoke('unruly', {})).toMatchObject({ isCold: false, outcome: { status: 'success' } });
});

test('a response may have 6 MB; of a larger one an error is made', async () => {
  const lambda = await startLambdaForTest();
  createUnruly(
    lambda,
    `
    for (let size = 6 * 1024 * 1024; ; size += 1024 * 1024) {
      const id = await next();
      const told = await call('POST', runtime + '/invocation/' + id + '/response', '"' + 'x'.repeat(size - 2) + '"');
      console.log(told[0]);
    }`,
  );
  expect(await lambda.invoke('unruly', {})).toMatchObject({ outcome: { status: 'success' }, log: ['202'] });
  expect(await lambda.invoke('unruly', {})).toMatchObject({
    outcome: { status: 'error', errorType: 'Function.ResponseSizeTooLarge' },
    log: ['413'],
  });
});

test('an error takes its type from the header where it says none itself', async () => {
  const outcome = await resultOf(`
    const url = runtime + '/invocation/' + (await next()) + '/error';
    await call('POST', url, '{"errorMessage":"no"}', { 'lambda-runtime-function-error-type': 'Runtime.Odd' });
    await next();
  `);
  expect(outcome).toEqual({ status: 'error', errorType: 'Runtime.Odd', errorMessage: 'no' });
});

test('a runtime that answers and never asks again is not used again', async () => {
  const lambda = await startLambdaForTest();
  createUnruly(
    lambda,
    `
    await call('POST', runtime + '/invocation/' + (await next()) + '/response', '1');
    setInterval(() => {}, 1000);`,
    1,
  );
  expect((await lambda.invoke('unruly', {})).outcome).toEqual({ status: 'success', result: 1 });
  expect((await lambda.invoke('unruly', {})).isCold).toBe(true);
});
