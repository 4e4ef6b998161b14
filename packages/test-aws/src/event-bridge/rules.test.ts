import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, test } from 'vitest';
import { eventBridgeClient, startBusForTest } from '../fixtures/running.ts';

const PUSH = { source: 'aws.ecr', detail: { 'action-type': 'PUSH' } };

test('sends an event to the target of each matching rule', async () => {
  const bus = await startBusForTest();
  const seen: [string, object][] = [];
  bus.putRule({ name: 'all', pattern: { source: ['aws.ecr'] }, target: (event) => seen.push(['all', event]) });
  const pattern = { detail: { 'action-type': ['PUSH'] } };
  bus.putRule({ name: 'pushes', pattern, target: (event) => seen.push(['pushes', event]) });
  bus.deliver(PUSH);
  expect(seen).toEqual([
    ['all', PUSH],
    ['pushes', PUSH],
  ]);
});

test('records each event with its matching rules', async () => {
  const bus = await startBusForTest();
  bus.putRule({ name: 'pushes', pattern: { detail: { 'action-type': ['PUSH'] } }, target: () => {} });
  const deletion = { source: 'aws.ecr', detail: { 'action-type': 'DELETE' } };
  for (const event of [PUSH, deletion]) bus.deliver(event);
  expect(bus.events).toEqual([
    { event: PUSH, rules: ['pushes'] },
    { event: deletion, rules: [] },
  ]);
  expect(bus.events.filter(({ rules }) => rules.length === 0)).toHaveLength(1);
});

test('sends events of PutEvents to targets', async () => {
  const bus = await startBusForTest();
  const seen: object[] = [];
  bus.putRule({ name: 'indexed', pattern: { source: ['soci.indexer'] }, target: (event) => seen.push(event) });
  const entry = { Source: 'soci.indexer', DetailType: 'Image Indexed', Detail: '{"n":1}' };
  await eventBridgeClient(bus.endpoint).send(new PutEventsCommand({ Entries: [entry] }));
  expect(seen).toMatchObject([{ source: 'soci.indexer', detail: { n: 1 } }]);
});

test('gives each target its own copy of the event', async () => {
  const bus = await startBusForTest();
  bus.putRule({ name: 'first', pattern: { source: ['x'] }, target: (event) => Object.assign(event, { source: 'y' }) });
  const seen: object[] = [];
  bus.putRule({ name: 'second', pattern: { source: ['x'] }, target: (event) => seen.push(event) });
  bus.deliver({ source: 'x' });
  expect(seen).toEqual([{ source: 'x' }]);
  expect(bus.events).toEqual([{ event: { source: 'x' }, rules: ['first', 'second'] }]);
});

test('replaces a rule with the same name', async () => {
  const bus = await startBusForTest();
  const seen: string[] = [];
  bus.putRule({ name: 'rule', pattern: { source: ['aws.ecr'] }, target: () => seen.push('old') });
  bus.putRule({ name: 'rule', pattern: { source: ['aws.ecr'] }, target: () => seen.push('new') });
  bus.deliver(PUSH);
  expect(seen).toEqual(['new']);
});

test('accepts patterns of up to 2,048 characters', async () => {
  const bus = await startBusForTest();
  const patternOf = (length: number) => ({ source: ['x'.repeat(length - '{"source":[""]}'.length)] });
  const put = (pattern: unknown) => () => bus.putRule({ name: 'rule', pattern, target: () => {} });
  expect(put(patternOf(2048))).not.toThrow();
  expect(put(patternOf(2049))).toThrow(expect.objectContaining({ code: 'PATTERN_TOO_LONG' }));
});

test('rejects an unsupported pattern when the rule is created', async () => {
  const bus = await startBusForTest();
  const pattern = { detail: { size: [{ numeric: ['>', 1] }] } };
  expect(() => bus.putRule({ name: 'rule', pattern, target: () => {} })).toThrow(
    expect.objectContaining({ code: 'PATTERN_UNSUPPORTED' }),
  );
});
