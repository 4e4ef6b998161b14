import { describe, expect, it } from 'vitest';
import { readFilterSettings } from '../environment/filter-settings.ts';
import { FunctionError } from '../errors.ts';
import { type Delivery, filterEvent } from './filter-event.ts';

const LOCATION = { account: '123456789012', region: 'us-east-1' };
const DIGEST = `sha256:${'a'.repeat(64)}`;

/** Event from the Amazon ECR User Guide ("Sample events from Amazon ECR"), with the media types of real events. */
const PUSH = {
  version: '0',
  id: '13cde686-328b-6117-af20-0e5566167482',
  'detail-type': 'ECR Image Action',
  source: 'aws.ecr',
  account: '123456789012',
  time: '2026-11-23T08:54:34Z',
  region: 'us-east-1',
  resources: [],
  detail: {
    result: 'SUCCESS',
    'repository-name': 'team/app',
    'image-digest': DIGEST,
    'action-type': 'PUSH',
    'image-tag': 'v1',
    'manifest-media-type': 'application/vnd.oci.image.manifest.v1+json',
    'artifact-media-type': 'application/vnd.oci.image.config.v1+json',
  },
};

/** Filters an event, and records deliveries and log lines. */
async function filter(
  event: unknown,
  filters = 'team/*:v*',
  invoke = async () => 'request-1',
  to: Delivery['to'] = 'function',
) {
  const invoked: string[] = [];
  const lines: string[] = [];
  const write = (message: string, details: object = {}) => lines.push(JSON.stringify({ message, ...details }));
  const log = { debug: write, info: write, warn: write, error: write, begin: () => {}, add: () => {} };
  const settings = readFilterSettings({
    soci_repository_image_tag_filters: filters,
    soci_index_generator_lambda_arn: 'arn:aws:lambda:us-east-1:123456789012:function:generator',
  });
  const response = await filterEvent(event, {
    settings,
    location: LOCATION,
    log,
    delivery: {
      to,
      deliver: async (payload) => {
        invoked.push(payload);
        return invoke();
      },
    },
  });
  return { response, invoked, lines };
}

const withDetail = (detail: object) => ({ ...PUSH, detail: { ...PUSH.detail, ...detail } });

describe('a push that a filter matches', () => {
  it('invokes the generator with the unchanged event', async () => {
    const { response, invoked } = await filter(PUSH);
    expect(invoked.map((payload) => JSON.parse(payload))).toEqual([PUSH]);
    expect(response).toEqual({
      statusCode: 200,
      body: `Successfully invoked SOCI index generator Lambda function because the given event contained the image "team/app:v1" with digest "${DIGEST}" which matched SOCI repository image tag filter "team/*:v*". Lambda request id: "request-1"`,
    });
  });

  it('throws if the generator cannot be invoked, which makes Lambda retry', async () => {
    const failure = new FunctionError('INVOCATION_FAILED', 'cannot invoke the generator');
    await expect(filter(PUSH, '*:*', () => Promise.reject(failure))).rejects.toBe(failure);
  });

  it('is queued with the unchanged event if the generator reads a queue', async () => {
    const { response, invoked, lines } = await filter(PUSH, '*:*', async () => 'message-1', 'queue');
    expect(invoked.map((payload) => JSON.parse(payload))).toEqual([PUSH]);
    expect(response).toEqual({
      statusCode: 200,
      body: `Successfully queued the event for the SOCI index generator because the given event contained the image "team/app:v1" with digest "${DIGEST}" which matched SOCI repository image tag filter "*:*". Message id: "message-1"`,
    });
    expect(lines.map((line) => JSON.parse(line).outcome)).toEqual(['queued']);
  });

  it('throws if it cannot be queued, which makes Lambda retry', async () => {
    const failure = new FunctionError('SEND_FAILED', 'cannot send the event');
    await expect(filter(PUSH, '*:*', () => Promise.reject(failure), 'queue')).rejects.toBe(failure);
  });

  it('is rejected if it exceeds the payload limit of Lambda', async () => {
    const { response, invoked } = await filter({ ...PUSH, padding: 'x'.repeat(1 << 20) });
    expect(response).toMatchObject({ statusCode: 400, body: expect.stringContaining('bytes: the maximum is 1048576') });
    expect(invoked).toEqual([]);
  });
});

describe('does not invoke the generator for', () => {
  it.each([
    ['an image that no filter matches', withDetail({ 'image-tag': 'latest' }), 'did not match any'],
    ['an output tag', withDetail({ 'image-tag': 'v1-soci' }), '!*:*-soci excludes it'],
    ['an untagged image', withDetail({ 'image-tag': '' }), 'it has no tag'],
    ['a deletion', withDetail({ 'action-type': 'DELETE' }), 'the action is DELETE'],
    ['a failed push', withDetail({ result: 'FAILURE' }), 'the result is FAILURE'],
    ['a SOCI index', withDetail({ 'artifact-media-type': 'application/vnd.amazon.soci.index.v2+json' }), 'media type'],
    ['another account', { ...PUSH, account: '210987654321' }, 'it belongs to account 210987654321'],
    ['another Region', { ...PUSH, region: 'eu-west-1' }, 'it is from region eu-west-1'],
  ])('%s', async (_, event, reason) => {
    const { response, invoked } = await filter(event);
    expect(response).toEqual({ statusCode: 200, body: expect.stringContaining(reason) });
    expect(invoked).toEqual([]);
  });

  it.each([
    ['nothing', undefined, 'Invalid event'],
    ['null', null, 'Invalid event'],
    ['text', 'event', 'Invalid event'],
    ['an empty object', {}, 'source is missing'],
    ['another source', { ...PUSH, source: 'aws.s3' }, 'source is "aws.s3"'],
    ['another detail type', { ...PUSH, 'detail-type': 'ECR Image Scan' }, 'detail-type is "ECR Image Scan"'],
    ['no detail', { ...PUSH, detail: null }, 'detail is null'],
    ['a path instead of a repository', withDetail({ 'repository-name': '../../etc/passwd' }), 'detail.repository-name'],
    ['an invalid digest', withDetail({ 'image-digest': 'latest' }), 'detail.image-digest'],
    ['an upper-case digest', withDetail({ 'image-digest': DIGEST.toUpperCase() }), 'detail.image-digest'],
    ['15 digits of an account', { ...PUSH, account: '123456789012345' }, 'account is "123456789012345"'],
    ['a tag of 1 MB', withDetail({ 'image-tag': 'x'.repeat(1 << 20) }), 'detail.image-tag'],
    ['two faults', { ...PUSH, account: 1, region: '' }, 'region is ""'],
  ])('%s, and reports the fault', async (_, event, problem) => {
    const { response, invoked, lines } = await filter(event, '*:*');
    expect(response).toEqual({ statusCode: 400, body: expect.stringContaining(problem) });
    expect(response.body.length).toBeLessThan(2000);
    expect(lines).toHaveLength(1);
    expect(invoked).toEqual([]);
  });
});

it('matches filters quickly that would make a regular expression backtrack', async () => {
  const filters = `${'*a'.repeat(100)}:*b`;
  const { response } = await filter(withDetail({ 'repository-name': 'a'.repeat(200), 'image-tag': 'c' }), filters);
  expect(response.body).toContain('did not match any');
});
