import { InvokeCommand, type InvokeCommandInput, TooManyRequestsException } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { ECHO, makeFunctionFolder, SCRIPTED } from '../fixtures/function-folder.ts';
import { lambdaClient, startLambdaForTest } from '../fixtures/running.ts';

const MEBIBYTE = 1024 * 1024;

async function startWith(source: string) {
  const lambda = await startLambdaForTest();
  const created = lambda.createFunction({ name: 'worker', folder: makeFunctionFolder(source) });
  const client = lambdaClient(lambda.endpoint);
  const invoke = (input: Partial<InvokeCommandInput> = {}) =>
    client.send(new InvokeCommand({ FunctionName: 'worker', ...input }));
  return { lambda, created, invoke };
}

test('returns the result of a synchronous invocation', async () => {
  const { lambda, invoke } = await startWith(ECHO);
  const { StatusCode, Payload, FunctionError, ExecutedVersion, $metadata } = await invoke({ Payload: '{"a":"ä"}' });
  expect({ StatusCode, FunctionError, ExecutedVersion }).toEqual({ StatusCode: 200, ExecutedVersion: '$LATEST' });
  expect(Payload?.transformToString()).toBe('{"a":"ä"}');
  expect(lambda.invocations).toMatchObject([
    {
      functionName: 'worker',
      requestId: $metadata.requestId,
      payload: { a: 'ä' },
      type: 'RequestResponse',
      attempt: 1,
      outcome: { status: 'success', result: { a: 'ä' } },
    },
  ]);
});

test('passes {} to the function without a payload', async () => {
  const { invoke } = await startWith(ECHO);
  expect((await invoke()).Payload?.transformToString()).toBe('{}');
});

test('marks the response of a function error', async () => {
  const { invoke } = await startWith(SCRIPTED);
  const { StatusCode, FunctionError, Payload } = await invoke({ Payload: '{"fail":"no such layer"}' });
  expect({ StatusCode, FunctionError }).toEqual({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(Payload?.transformToString() ?? '')).toEqual({
    errorType: 'Rejected',
    errorMessage: 'no such layer',
    trace: expect.arrayContaining([expect.stringContaining('no such layer')]),
  });
});

test('returns the message of Lambda if the process exits', async () => {
  const { invoke } = await startWith(SCRIPTED);
  const { FunctionError, Payload, $metadata } = await invoke({ Payload: '{"exit":3}' });
  expect(FunctionError).toBe('Unhandled');
  expect(JSON.parse(Payload?.transformToString() ?? '')).toEqual({
    errorType: 'Runtime.ExitError',
    errorMessage: `RequestId: ${$metadata.requestId} Error: Runtime exited with error: exit status 3`,
  });
});

test('accepts an event immediately and runs it later', async () => {
  const { lambda, invoke } = await startWith(ECHO);
  const { StatusCode, Payload, $metadata } = await invoke({ InvocationType: 'Event', Payload: '{"n":1}' });
  expect(StatusCode).toBe(202);
  expect(Payload?.length ?? 0).toBe(0);
  expect(lambda.invocations).toEqual([]);
  await lambda.idle();
  expect(lambda.invocations).toMatchObject([
    { requestId: $metadata.requestId, type: 'Event', outcome: { status: 'success', result: { n: 1 } } },
  ]);
});

test('finds a function by name, ARN and version $LATEST', async () => {
  const { created, invoke } = await startWith(ECHO);
  expect(created.arn).toBe('arn:aws:lambda:us-east-1:123456789012:function:worker');
  for (const FunctionName of [created.arn, `${created.arn}:$LATEST`, '123456789012:function:worker']) {
    expect((await invoke({ FunctionName })).StatusCode).toBe(200);
  }
  for (const FunctionName of ['other', 'worker:v1', created.arn.replace('us-east-1', 'us-east-2')]) {
    await expect(invoke({ FunctionName })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  }
  await expect(invoke({ Qualifier: 'v1' })).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
});

test('rejects a payload that is not JSON', async () => {
  const { lambda, invoke } = await startWith(ECHO);
  await expect(invoke({ Payload: '{' })).rejects.toMatchObject({
    name: 'InvalidRequestContentException',
    $metadata: { httpStatusCode: 400 },
  });
  expect(lambda.invocations).toEqual([]);
});

test('limits events to 1 MiB and other payloads to 6 MiB', async () => {
  const { lambda, invoke } = await startWith(`export const handler = async (event) => event.length;`);
  const textOf = (size: number) => JSON.stringify('x'.repeat(size - 2));
  expect((await invoke({ InvocationType: 'Event', Payload: textOf(MEBIBYTE) })).StatusCode).toBe(202);
  const tooLarge = { name: 'RequestTooLargeException', $metadata: { httpStatusCode: 413 } };
  await expect(invoke({ InvocationType: 'Event', Payload: textOf(MEBIBYTE + 1) })).rejects.toMatchObject(tooLarge);
  expect((await invoke({ Payload: textOf(6 * MEBIBYTE) })).Payload?.transformToString()).toBe(`${6 * MEBIBYTE - 2}`);
  await expect(invoke({ Payload: textOf(6 * MEBIBYTE + 1) })).rejects.toMatchObject(tooLarge);
  await lambda.idle();
});

test('rejects an unsigned call', async () => {
  const { lambda } = await startWith(ECHO);
  const url = `${lambda.endpoint}/2015-03-31/functions/worker/invocations`;
  const response = await fetch(url, { method: 'POST', body: '{}' });
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([
    403,
    'MissingAuthenticationTokenException',
  ]);
  expect(await response.json()).toEqual({ Type: 'User', message: 'Missing Authentication Token' });
});

test('rejects other operations', async () => {
  const { lambda } = await startWith(ECHO);
  const response = await fetch(`${lambda.endpoint}/2015-03-31/functions`);
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([404, 'UnknownOperationException']);
});

test('throttles the given number of calls', async () => {
  const { lambda, invoke } = await startWith(ECHO);
  lambda.throttle(2);
  await expect(invoke()).rejects.toBeInstanceOf(TooManyRequestsException);
  await expect(invoke()).rejects.toMatchObject({ $metadata: { httpStatusCode: 429 } });
  expect((await invoke()).StatusCode).toBe(200);
  expect(lambda.invocations).toHaveLength(1);
});

test('succeeds after retries of a throttled client', async () => {
  const { lambda } = await startWith(ECHO);
  lambda.throttle(1);
  const command = new InvokeCommand({ FunctionName: 'worker', InvocationType: 'Event', Payload: '{}' });
  expect((await lambdaClient(lambda.endpoint, 3).send(command)).StatusCode).toBe(202);
  await lambda.idle();
  expect(lambda.invocations).toHaveLength(1);
});

test('returns the log tail', async () => {
  const { invoke } = await startWith(SCRIPTED);
  const { LogResult } = await invoke({ LogType: 'Tail', Payload: '{"say":"one\\ntwo"}' });
  expect(Buffer.from(LogResult ?? '', 'base64').toString()).toBe('one\ntwo\n');
});
