import { expect, test } from 'vitest';
import { createCustomRuntime } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';

/** Returns the result of a custom runtime. */
async function resultOf(script: string): Promise<unknown> {
  const lambda = await startLambdaForTest();
  createCustomRuntime(lambda, script);
  const { outcome } = await lambda.invoke('custom', { n: 1 });
  return outcome.status === 'success' ? outcome.result : outcome;
}

test('sends an invocation with its headers', async () => {
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
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:123456789012:function:custom',
      'lambda-runtime-trace-id': expect.stringContaining('Root=1-'),
    },
  });
  const { headers } = result as { headers: Record<string, string> };
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  expect(deadline).toBeGreaterThanOrEqual(before + 10_000);
  expect(deadline).toBeLessThanOrEqual(Date.now() + 10_000);
});

test('rejects invalid calls, and the invocation continues', async () => {
  const result = await resultOf(`
    const id = await next();
    const invocation = runtime + '/invocation/' + id;
    const responses = {
      path: await call('POST', runtime + '/invocation/' + id + '/result', '1'),
      version: await call('GET', api + '/2015-03-31/runtime/invocation/next'),
      method: await call('PUT', invocation + '/response', '1'),
      otherId: await call('POST', runtime + '/invocation/00000000-0000-0000-0000-000000000000/response', '1'),
      secondNext: await call('GET', runtime + '/invocation/next'),
      lateInitError: await call('POST', runtime + '/init/error', '{}'),
      shapelessError: await call('POST', invocation + '/error', 'not json'),
    };
    await call('POST', invocation + '/response', JSON.stringify(responses));
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

test('accepts one result for an invocation', async () => {
  const lambda = await startLambdaForTest();
  createCustomRuntime(
    lambda,
    `
    while (true) {
      const url = runtime + '/invocation/' + (await next());
      console.log(JSON.stringify(await call('POST', url + '/response', '"first"')));
      console.log(JSON.stringify(await call('POST', url + '/response', '"second"')));
      console.log(JSON.stringify(await call('POST', url + '/error', '{"errorType":"Third"}')));
    }`,
  );
  const { outcome, log } = await lambda.invoke('custom', {});
  expect(outcome).toEqual({ status: 'success', result: 'first' });
  expect(log).toEqual([
    String.raw`[202,"{\"status\":\"OK\"}"]`,
    '[403,"InvalidStateTransition"]',
    '[403,"InvalidStateTransition"]',
  ]);
  expect(await lambda.invoke('custom', {})).toMatchObject({ isCold: false, outcome: { status: 'success' } });
});

test('accepts a response of 6 MB, and converts a larger one to an error', async () => {
  const lambda = await startLambdaForTest();
  createCustomRuntime(
    lambda,
    `
    for (let size = 6 * 1024 * 1024; ; size += 1024 * 1024) {
      const id = await next();
      const response = await call('POST', runtime + '/invocation/' + id + '/response', '"' + 'x'.repeat(size - 2) + '"');
      console.log(response[0]);
    }`,
  );
  expect(await lambda.invoke('custom', {})).toMatchObject({ outcome: { status: 'success' }, log: ['202'] });
  expect(await lambda.invoke('custom', {})).toMatchObject({
    outcome: { status: 'error', errorType: 'Function.ResponseSizeTooLarge' },
    log: ['413'],
  });
});

test('uses the error type from the header if the body has none', async () => {
  const outcome = await resultOf(`
    const url = runtime + '/invocation/' + (await next()) + '/error';
    await call('POST', url, '{"errorMessage":"no"}', { 'lambda-runtime-function-error-type': 'Runtime.Odd' });
    await next();
  `);
  expect(outcome).toEqual({ status: 'error', errorType: 'Runtime.Odd', errorMessage: 'no' });
});

test('does not reuse a runtime that does not request the next invocation', async () => {
  const lambda = await startLambdaForTest();
  createCustomRuntime(
    lambda,
    `
    await call('POST', runtime + '/invocation/' + (await next()) + '/response', '1');
    setInterval(() => {}, 1000);`,
    1,
  );
  expect((await lambda.invoke('custom', {})).outcome).toEqual({ status: 'success', result: 1 });
  expect((await lambda.invoke('custom', {})).isCold).toBe(true);
});
