import { describe, expect, test } from 'vitest';
import { FilterError } from './errors.ts';
import { type EventOptions, parseEcrEvent } from './event.ts';
import {
  asReceived,
  cacheEvent,
  DIGEST,
  type Json,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushEvent,
  pushIndexEvent,
  replicationEvent,
} from './fixtures/events.ts';

const ALL: EventOptions = { kinds: ['push', 'replication', 'pull-through-cache'] };

/** Returns the faults of an event, as `path problem`. */
function faultsOf(input: unknown, options?: EventOptions): string[] {
  try {
    parseEcrEvent(input, options);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    expect(error.code).toBe('EVENT_INVALID');
    return error.faults.map(({ path, problem }) => `${path} ${problem}`);
  }
  return [];
}

describe('accepts', () => {
  test('a push', () => {
    expect(parseEcrEvent(asReceived(pushEvent()))).toEqual({
      kind: 'push',
      id: '13cde686-328b-6117-af20-0e5566167482',
      time: '2026-11-23T08:54:34Z',
      account: '123456789012',
      region: 'eu-central-1',
      repository: 'team/app',
      tag: 'v4',
      digest: DIGEST,
      action: 'PUSH',
      result: 'SUCCESS',
      manifestType: OCI_MANIFEST,
      artifactType: OCI_CONFIG,
    });
  });

  test('a push of an image index, without an artifact type', () => {
    const event = parseEcrEvent(asReceived(pushIndexEvent()));
    expect(event.manifestType).toBe(OCI_INDEX);
    expect(event).not.toHaveProperty('artifactType');
  });

  test('a push with an empty or missing tag', () => {
    expect(parseEcrEvent(asReceived(pushEvent({ 'image-tag': '' })))).not.toHaveProperty('tag');
    expect(parseEcrEvent(asReceived(pushEvent({ 'image-tag': undefined })))).not.toHaveProperty('tag');
  });

  test('a replication and a pull through a cache, with the option', () => {
    expect(parseEcrEvent(replicationEvent(), ALL)).toMatchObject({ kind: 'replication', action: 'PUSH', tag: 'v4' });
    expect(parseEcrEvent(cacheEvent(), ALL)).toMatchObject({
      kind: 'pull-through-cache',
      repository: 'docker-hub/library/alpine',
      action: 'PUSH',
      result: 'SUCCESS',
    });
  });

  test('a failed action without a digest', () => {
    const failed = cacheEvent({
      'sync-status': 'FAILED',
      'image-digest': undefined,
      'failure-code': 'UpstreamTooManyRequests',
    });
    expect(parseEcrEvent(asReceived(failed), ALL)).toMatchObject({ result: 'FAILED' });
  });

  test('unknown fields and actions', () => {
    expect(parseEcrEvent(pushEvent({ 'action-type': 'ARCHIVE', 'last-activated-at': {} })).action).toBe('ARCHIVE');
  });

  test.each(['us-gov-west-1', 'cn-north-1', 'us-iso-east-1', 'eusc-de-east-1', 'ap-southeast-5'])(
    'region %s',
    (region) => {
      expect(parseEcrEvent({ ...pushEvent(), region }).region).toBe(region);
    },
  );

  test.each(['a', 'a/b/c', 'a__b', 'a--b', 'a.b_c-d', 'x'.repeat(256)])('repository %s', (name) => {
    expect(parseEcrEvent(pushEvent({ 'repository-name': name })).repository).toBe(name);
  });
});

describe('rejects', () => {
  test.each([
    ['text', 'PUSH', 'is "PUSH": expected a JSON object'],
    ['null', null, 'is null: expected a JSON object'],
    ['nothing', undefined, 'is missing'],
    ['a list', [pushEvent()], 'is an array: expected a JSON object'],
  ])('%s instead of an event', (_, input, problem) => {
    expect(faultsOf(input)).toEqual([` ${problem}`]);
  });

  test('all faults of an event at once', () => {
    const broken = {
      version: 0,
      'detail-type': 'ECR Image Action',
      source: 'aws.s3',
      account: '123456789012345',
      time: 'yesterday',
      resources: 'all',
      detail: {
        result: 'success',
        'repository-name': '../etc',
        'image-digest': 'sha256:12',
        'action-type': null,
        'image-tag': '-v1',
        'manifest-media-type': 7,
      },
    };
    expect(faultsOf(broken)).toEqual([
      'version is a number: expected up to 8 digits',
      'source is "aws.s3": expected "aws.ecr"',
      'account is "123456789012345": expected an account id of 12 digits',
      'time is "yesterday": expected a time such as 2026-11-23T08:00:00Z',
      'region is missing',
      'resources is "all": expected an array',
      'detail.result is "success": expected up to 64 upper-case letters and _',
      'detail.repository-name is "../etc": expected a repository name: up to 256 lower-case letters, digits, and single . _ - / between them',
      'detail.image-digest is "sha256:12": expected sha256: and 64 lower-case hex digits',
      'detail.image-tag is "-v1": expected an empty string, or a tag: up to 128 letters, digits, _ . -, not starting with . or -',
      'detail.action-type is null: expected up to 64 upper-case letters and _',
      'detail.manifest-media-type is a number: expected up to 512 printable ASCII characters',
    ]);
  });

  test('with all faults in the message', () => {
    expect(() => parseEcrEvent({ ...pushEvent({ 'image-digest': undefined }), account: 1 })).toThrow(
      'invalid event: account is a number: expected an account id of 12 digits; ' + 'detail.image-digest is missing',
    );
  });

  test('events of other kinds, without faults in their details', () => {
    const scan = { ...pushEvent({ 'scan-status': 'COMPLETE', result: undefined }), 'detail-type': 'ECR Image Scan' };
    expect(faultsOf(asReceived(scan))).toEqual(['detail-type is "ECR Image Scan": expected "ECR Image Action"']);
    expect(faultsOf(replicationEvent())).toHaveLength(1);
    expect(faultsOf({ source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification' })).toEqual([
      'detail-type is "EC2 Instance State-change Notification": expected "ECR Image Action"',
      'source is "aws.ec2": expected "aws.ecr"',
      'account is missing',
      'region is missing',
      'detail is missing',
    ]);
  });

  test.each(Object.keys(pushEvent()).filter((key) => !['version', 'id', 'time', 'resources'].includes(key)))(
    'an event without %s',
    (key) => {
      expect(faultsOf(asReceived({ ...pushEvent(), [key]: undefined }))).toContain(`${key} is missing`);
    },
  );

  test.each(['result', 'repository-name', 'image-digest', 'action-type'])('a push without %s', (key) => {
    expect(faultsOf(asReceived(pushEvent({ [key]: undefined })))).toEqual([`detail.${key} is missing`]);
  });

  test('a replication without its source, and a pull through a cache without its status', () => {
    expect(
      faultsOf(asReceived(replicationEvent({ 'source-account': undefined, 'source-region': 'moon' })), ALL),
    ).toEqual([
      'detail.source-account is missing',
      'detail.source-region is "moon": expected a region such as eu-central-1',
    ]);
    expect(faultsOf(asReceived(cacheEvent({ 'sync-status': undefined })), ALL)).toEqual([
      'detail.sync-status is missing',
    ]);
  });

  const HUGE = 'a'.repeat(1_000_000);
  const FIELDS = ['id', 'detail-type', 'source', 'account', 'time', 'region'];
  const DETAILS = Object.keys(pushEvent().detail as Json);

  test.each([
    ...FIELDS.map((key) => [key, (value: unknown) => ({ ...pushEvent(), [key]: value })] as const),
    ...DETAILS.map((key) => [`detail.${key}`, (value: unknown) => pushEvent({ [key]: value })] as const),
  ])('%s that is null, a number, an object, a list or a megabyte, with a short message', (path, make) => {
    for (const value of [null, 12, { $ne: '' }, ['v4'], HUGE, `v4\n`, `\u0000`, '\ud800']) {
      const faults = faultsOf(make(value));
      expect(faults.filter((fault) => fault.startsWith(`${path} is `))).toHaveLength(1);
      expect(faults.join().length).toBeLessThan(500);
    }
  });

  test.each([
    [
      'repository-name',
      ['../a', '/a', 'a/', 'a//b', 'a/../b', 'A', 'a b', 'a:b', 'a@b', '', 'a.', 'x'.repeat(257), 'a\n'],
    ],
    [
      'image-digest',
      ['', 'sha256:', DIGEST.toUpperCase(), `${DIGEST}0`, `x${DIGEST}`, `sha512:${'0'.repeat(128)}`, `${DIGEST}\n`],
    ],
    ['image-tag', ['.a', '-a', 'a/b', 'a:b', 'a b', 'x'.repeat(129), 'é', '../a']],
  ])('an invalid %s', (key, values) => {
    for (const value of values) expect(faultsOf(pushEvent({ [key]: value }))).toHaveLength(1);
  });

  test('an invalid date', () => {
    expect(faultsOf({ ...pushEvent(), time: '2026-13-01T00:00:00Z' })).toEqual([
      'time is "2026-13-01T00:00:00Z": expected a time such as 2026-11-23T08:00:00Z',
    ]);
  });

  test('names that would make a pattern backtrack', () => {
    expect(faultsOf(pushEvent({ 'repository-name': `${'a-'.repeat(127)}!` }))).toHaveLength(1);
    expect(faultsOf(pushEvent({ 'repository-name': `${'-'.repeat(255)}!` }))).toHaveLength(1);
  });
});
