import { expect, it, vi } from 'vitest';
import type { CloudFormationRequest } from './cloudformation/send-response.ts';
import { handler } from './repository-names.ts';

const PREFIX = 'arn:aws:ecr:us-east-1:123456789012:repository/';

const request = (fields: Partial<CloudFormationRequest>): CloudFormationRequest => ({
  RequestType: 'Create',
  ResponseURL: 'https://cloudformation.example/response?signature=secret',
  StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/soci/1',
  RequestId: 'request-1',
  LogicalResourceId: 'RepositoryNames',
  ResourceProperties: { ServiceToken: 'arn', filters: ['prod*:latest', 'dev:*'], prefix: PREFIX },
  ...fields,
});

/** Returns the response to CloudFormation. */
async function responseTo(fields: Partial<CloudFormationRequest>): Promise<Record<string, unknown>> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const sent: string[] = [];
  await handler(request(fields), undefined, async (url, body) => {
    expect(url).toBe('https://cloudformation.example/response?signature=secret');
    sent.push(body);
  });
  expect(sent).toHaveLength(1);
  expect(log.mock.calls.flat().join()).not.toContain('secret');
  return JSON.parse(sent[0] ?? '');
}

it.each(['Create', 'Update'] as const)('responds to %s with the ARNs of the repositories', async (RequestType) => {
  expect(await responseTo({ RequestType })).toEqual({
    Status: 'SUCCESS',
    Data: { repository_arns: [`${PREFIX}prod*`, `${PREFIX}dev`] },
    PhysicalResourceId: 'repository-arns',
    StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/soci/1',
    RequestId: 'request-1',
    LogicalResourceId: 'RepositoryNames',
  });
});

it('accepts filters as text', async () => {
  const ResourceProperties = { filters: 'app:*,!app:dev', prefix: PREFIX };
  expect(await responseTo({ ResourceProperties })).toMatchObject({ Data: { repository_arns: [`${PREFIX}app`] } });
});

it('responds with the repositories of member accounts', async () => {
  const ResourceProperties = { filters: 'app:*,dev*:*', prefix: PREFIX, memberAccounts: '111122223333,444455556666' };
  const prefixes = ['123456789012', '111122223333', '444455556666'].map((id) => PREFIX.replace('123456789012', id));
  expect(await responseTo({ ResourceProperties })).toMatchObject({
    Data: { repository_arns: prefixes.flatMap((prefix) => [`${prefix}app`, `${prefix}dev*`]) },
  });
});

it('responds with as many repositories as fit into a response', async () => {
  const filters = Array.from({ length: 60 }, (_, i) => `app${10 + i}:*`);
  const response = await responseTo({ ResourceProperties: { filters, prefix: PREFIX } });
  expect(response).toMatchObject({
    Status: 'SUCCESS',
    Data: { repository_arns: expect.arrayContaining([`${PREFIX}app69`]) },
  });
  expect(JSON.stringify(response).length).toBeLessThan(4096);
});

it('accepts a deletion', async () => {
  const response = await responseTo({ RequestType: 'Delete', PhysicalResourceId: 'old-name', ResourceProperties: {} });
  expect(response).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'old-name' });
});

it.each([
  [{ filters: ['App:*'], prefix: PREFIX }, 'at character 1'],
  [{ filters: '', prefix: PREFIX }, 'the filter is empty'],
  [{ filters: { a: 1 }, prefix: PREFIX }, 'invalid filters'],
  [{}, 'the filter is empty'],
  [{ filters: Array.from({ length: 100 }, (_, i) => `App${i}:*`), prefix: PREFIX }, 'and'],
  [
    { filters: ['*:*', ...Array.from({ length: 150 }, (_, i) => `!team/application-${i}:*`)], prefix: PREFIX },
    'the filters have 3493 characters: the maximum is 3396. Use wildcards',
  ],
  [
    { filters: Array.from({ length: 100 }, (_, i) => `app${i}:*`), prefix: PREFIX },
    '100 repositories, whose ARNs take',
  ],
])('responds to %j with the fault', async (ResourceProperties, reason) => {
  const response = await responseTo({ ResourceProperties });
  expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) });
  expect(JSON.stringify(response).length).toBeLessThan(4096);
});

it('retries a failed response, and throws after three attempts', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  let calls = 0;
  const failing = (times: number) => async () => {
    calls += 1;
    if (calls <= times) throw new Error('connection lost');
  };
  await handler(request({}), undefined, failing(1));
  expect(calls).toBe(2);
  calls = 0;
  await expect(handler(request({}), undefined, failing(3))).rejects.toThrow('connection lost');
  expect(calls).toBe(3);
});

it('sends responses only over HTTPS', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  await expect(handler(request({ ResponseURL: 'http://127.0.0.1:1/' }))).rejects.toThrow(/[Pp]rotocol/);
});
