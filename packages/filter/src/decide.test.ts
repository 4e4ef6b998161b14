import { describe, expect, test } from 'vitest';
import { checkEvent, type DecideOptions, decide } from './decide.ts';
import { parseEcrEvent } from './event.ts';
import { parseFilters } from './filters.ts';
import {
  asReceived,
  cacheEvent,
  DIGEST,
  type Json,
  pushEvent,
  pushIndexEvent,
  replicationEvent,
  SOCI_V1,
  SOCI_V2,
} from './fixtures/events.ts';

function decideOn(event: Json, filters = '*:*', options: DecideOptions = {}) {
  const parsed = parseEcrEvent(asReceived(event), { kinds: ['push', 'replication', 'pull-through-cache'] });
  return decide(parsed, parseFilters(filters), options);
}

test('indexes an image that a filter matches', () => {
  expect(decideOn(pushEvent(), 'other:*,team/*:v?,*:*')).toEqual({
    outcome: 'index',
    image: 'team/app:v4',
    digest: DIGEST,
    filter: 'team/*:v?',
  });
});

test.each([
  ['an image index', pushIndexEvent()],
  ['a replicated image', replicationEvent()],
  ['an image pulled through a cache', cacheEvent()],
])('%s is indexed', (_, event) => {
  expect(decideOn(event).outcome).toBe('index');
});

test('indexes an image of a member account, and ignores other accounts', () => {
  const options = { account: '123456789012', region: 'eu-central-1', memberAccounts: ['111122223333', '444455556666'] };
  const from = (account: string) => decideOn({ ...pushEvent(), account }, '*:*', options);
  expect(['123456789012', '111122223333', '444455556666'].map((account) => from(account).outcome)).toEqual(
    Array(3).fill('index'),
  );
  expect(from('777788889999')).toMatchObject({
    outcome: 'ignore',
    reason: 'other-account',
    explanation: 'it belongs to account 777788889999, not 123456789012 or a member account',
  });
});

describe('ignores the event and returns the reason', () => {
  test.each<[string, Json, string, string]>([
    ['a deletion', pushEvent({ 'action-type': 'DELETE' }), 'not-a-push', 'the action is DELETE'],
    ['a failure', pushEvent({ result: 'FAILURE' }), 'not-successful', 'the result is FAILURE'],
    ['a failed pull', cacheEvent({ 'sync-status': 'FAILED' }), 'not-successful', 'the result is FAILED'],
    [
      'a SOCI index v1',
      pushEvent({ 'artifact-media-type': SOCI_V1 }),
      'not-an-image',
      `its media type is "${SOCI_V1}"`,
    ],
    [
      'a SOCI index v2',
      pushEvent({ 'artifact-media-type': SOCI_V2 }),
      'not-an-image',
      `its media type is "${SOCI_V2}"`,
    ],
    [
      'a manifest of another type',
      pushIndexEvent({ 'manifest-media-type': 'text/html' }),
      'not-an-image',
      'its media type is "text/html"',
    ],
    ['a platform of an image index', pushEvent({ 'image-tag': '' }), 'untagged', 'it has no tag'],
  ])('for %s', (_, event, reason, explanation) => {
    expect(decideOn(event)).toMatchObject({ outcome: 'ignore', reason, explanation });
  });

  test('for an image that no filter matches', () => {
    expect(decideOn(pushEvent(), 'app:*,team/app:v5')).toEqual({
      outcome: 'ignore',
      image: 'team/app:v4',
      reason: 'no-match',
      explanation: 'none of 2 filters matches it',
    });
  });

  test('for an image that an exclusion matches, at any position', () => {
    const event = pushEvent({ 'image-tag': 'v4-soci' });
    const excluded = { outcome: 'ignore', reason: 'excluded', explanation: '!*:*-soci excludes it' };
    expect(decideOn(event, '*:*,!*:*-soci')).toMatchObject(excluded);
    expect(decideOn(event, '!*:*-soci,team/app:v4-soci')).toMatchObject(excluded);
    expect(decideOn(pushEvent(), '*:*,!*:*-soci').outcome).toBe('index');
  });

  test('for another account or Region than expected', () => {
    expect(decideOn(pushEvent(), '*:*', { account: '999999999999' })).toMatchObject({
      reason: 'other-account',
      explanation: 'it belongs to account 123456789012, not 999999999999',
    });
    expect(decideOn(pushEvent(), '*:*', { region: 'us-east-1' })).toMatchObject({
      reason: 'other-region',
      explanation: 'it is from region eu-central-1, not us-east-1',
    });
    expect(decideOn(pushEvent(), '*:*', { account: '123456789012', region: 'eu-central-1' }).outcome).toBe('index');
  });
});

test('matches an untagged image like one with an empty tag, with the option', () => {
  const event = pushEvent({ 'image-tag': '' });
  expect(decideOn(event, 'team/*:*', { untagged: true })).toMatchObject({ outcome: 'index', image: 'team/app:' });
  expect(decideOn(event, 'team/*:v*', { untagged: true })).toMatchObject({ reason: 'no-match' });
});

test('checkEvent checks everything except the tag', () => {
  const location = { account: '123456789012', region: 'eu-central-1' };
  const check = (event: Json) => checkEvent(parseEcrEvent(asReceived(event)), location);
  const image = { outcome: 'index', image: 'team/app:', digest: DIGEST };
  expect(check(pushEvent({ 'image-tag': '' }))).toEqual(image);
  expect(check(pushEvent())).toEqual({ ...image, image: 'team/app:v4' });
  expect(check({ ...pushEvent(), region: 'us-east-1' })).toMatchObject({ outcome: 'ignore', reason: 'other-region' });
  expect(check(pushEvent({ result: 'FAILURE' }))).toMatchObject({ outcome: 'ignore', reason: 'not-successful' });
  expect(check(pushEvent({ 'artifact-media-type': SOCI_V2 }))).toMatchObject({ reason: 'not-an-image' });
});

test('selects one of the events of a multi-platform push and its conversion', () => {
  const events = [
    ...Array.from({ length: 3 }, () => pushEvent({ 'image-tag': '' })),
    pushIndexEvent({ 'image-tag': 'v4' }),
    // The generator then pushes three annotated images, three SOCI indexes, and the image index.
    ...Array.from({ length: 3 }, () => pushEvent({ 'image-tag': '' })),
    ...Array.from({ length: 3 }, () => pushEvent({ 'image-tag': '', 'artifact-media-type': SOCI_V2 })),
    pushIndexEvent({ 'image-tag': 'v4-soci' }),
  ];
  const decisions = events.map((event) => decideOn(event, '*:*,!*:*-soci'));
  expect(decisions.filter(({ outcome }) => outcome === 'index').map(({ image }) => image)).toEqual(['team/app:v4']);
});
