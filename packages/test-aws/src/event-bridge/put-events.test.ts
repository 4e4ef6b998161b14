import { PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { expect, test } from 'vitest';
import { eventBridgeClient, startBusForTest } from '../fixtures/running.ts';

const ENTRY = { Source: 'soci.indexer', DetailType: 'Image Indexed', Detail: '{"tag":"v1"}' };

async function startWithClient() {
  const bus = await startBusForTest();
  const client = eventBridgeClient(bus.endpoint);
  const put = (...entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries: entries }));
  return { bus, put };
}

test('converts an entry to an event', async () => {
  const { bus, put } = await startWithClient();
  const Time = new Date('2026-11-23T10:20:30Z');
  const { FailedEntryCount, Entries } = await put({ ...ENTRY, Time, Resources: ['arn:aws:ecr:x'] });
  expect(FailedEntryCount).toBe(0);
  expect(bus.events).toEqual([
    {
      event: {
        version: '0',
        id: Entries?.[0]?.EventId,
        'detail-type': 'Image Indexed',
        source: 'soci.indexer',
        account: '123456789012',
        time: '2026-11-23T10:20:30Z',
        region: 'us-east-1',
        resources: ['arn:aws:ecr:x'],
        detail: { tag: 'v1' },
      },
      rules: [],
    },
  ]);
});

test('uses the time of the call by default', async () => {
  const { bus, put } = await startWithClient();
  await put(ENTRY);
  expect(bus.events[0]?.event).toMatchObject({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    resources: [],
  });
});

test.each([
  ['no source', { Source: undefined }, 'InvalidArgument'],
  ['no detail type', { DetailType: undefined }, 'InvalidArgument'],
  ['no detail', { Detail: undefined }, 'InvalidArgument'],
  ['a detail that is not JSON', { Detail: '{' }, 'MalformedDetail'],
  ['a detail that is not an object', { Detail: '[1]' }, 'MalformedDetail'],
  ['the source of an AWS service', { Source: 'aws.ecr' }, 'NotAuthorizedForSourceException'],
  ['another bus', { EventBusName: 'other' }, 'InvalidArgument'],
])('rejects an entry with %s and accepts the others', async (_, wrong, ErrorCode) => {
  const { bus, put } = await startWithClient();
  const { FailedEntryCount, Entries } = await put({ ...ENTRY, ...wrong }, ENTRY);
  expect(FailedEntryCount).toBe(1);
  expect(Entries).toEqual([
    { ErrorCode, ErrorMessage: expect.stringMatching(/\.$/) },
    { EventId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  ]);
  expect(bus.events).toHaveLength(1);
});

test('accepts one to ten entries', async () => {
  const { bus, put } = await startWithClient();
  const exception = { name: 'ValidationException', $metadata: { httpStatusCode: 400 } };
  await expect(put()).rejects.toMatchObject(exception);
  await expect(put(...Array(11).fill(ENTRY))).rejects.toMatchObject(exception);
  expect(bus.events).toEqual([]);
  expect((await put(...Array(10).fill(ENTRY))).Entries).toHaveLength(10);
});

test('accepts entries of 1 MiB in total', async () => {
  const { put } = await startWithClient();
  const rest = `${ENTRY.Source}${ENTRY.DetailType}{"tag":""}`.length;
  const entryOf = (size: number) => ({ ...ENTRY, Detail: JSON.stringify({ tag: 'x'.repeat(size - rest) }) });
  expect((await put(entryOf(2 ** 19), entryOf(2 ** 19))).FailedEntryCount).toBe(0);
  await expect(put(entryOf(2 ** 19), entryOf(2 ** 19 + 1))).rejects.toThrow('over the limit');
});

test.each([
  [{ 'x-amz-target': 'AWSEvents.PutEvents' }, '{}', 'MissingAuthenticationTokenException'],
  [{ 'x-amz-target': 'AWSEvents.PutRule', authorization: 'AWS4-HMAC-SHA256 x' }, '{}', 'UnknownOperationException'],
  [{ 'x-amz-target': 'AWSEvents.PutEvents', authorization: 'AWS4-HMAC-SHA256 x' }, '[]', 'SerializationException'],
])('rejects other calls: %o', async (headers, body, type) => {
  const { endpoint } = await startBusForTest();
  const response = await fetch(endpoint, { method: 'POST', headers: headers as Record<string, string>, body });
  expect([response.status, ((await response.json()) as { __type: string }).__type]).toEqual([400, type]);
});
