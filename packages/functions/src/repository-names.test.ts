import { expect, it, vi } from 'vitest';
import type { CloudFormationRequest } from './cloudformation/answer-cloudformation.ts';
import { handler } from './repository-names.ts';

const PREFIX = 'arn:aws:ecr:us-east-1:123456789012:repository/';

const request = (fields: Partial<CloudFormationRequest>): CloudFormationRequest => ({
  RequestType: 'Create',
  ResponseURL: 'https://cloudformation.example/answer?signature=secret',
  StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/soci/1',
  RequestId: 'request-1',
  LogicalResourceId: 'RepositoryNames',
  ResourceProperties: { ServiceToken: 'arn', filters: ['prod*:latest', 'dev:*'], prefix: PREFIX },
  ...fields,
});

/** What CloudFormation is answered. */
async function answerTo(fields: Partial<CloudFormationRequest>): Promise<Record<string, unknown>> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const sent: string[] = [];
  await handler(request(fields), undefined, async (url, body) => {
    expect(url).toBe('https://cloudformation.example/answer?signature=secret');
    sent.push(body);
  });
  expect(sent).toHaveLength(1);
  expect(log.mock.calls.flat().join()).not.toContain('secret');
  return JSON.parse(sent[0] ?? '');
}

it.each(['Create', 'Update'] as const)('answers %s with the ARNs of the repositories', async (RequestType) => {
  expect(await answerTo({ RequestType })).toEqual({
    Status: 'SUCCESS',
    Data: { repository_arns: [`${PREFIX}prod*`, `${PREFIX}dev`] },
    PhysicalResourceId: 'repository-arns',
    StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/soci/1',
    RequestId: 'request-1',
    LogicalResourceId: 'RepositoryNames',
  });
});

it('takes filters as text too', async () => {
  const ResourceProperties = { filters: 'app:*,!app:dev', prefix: PREFIX };
  expect(await answerTo({ ResourceProperties })).toMatchObject({ Data: { repository_arns: [`${PREFIX}app`] } });
});

it('answers with as many repositories as CloudFormation takes in', async () => {
  const filters = Array.from({ length: 60 }, (_, i) => `app${10 + i}:*`);
  const answer = await answerTo({ ResourceProperties: { filters, prefix: PREFIX } });
  expect(answer).toMatchObject({
    Status: 'SUCCESS',
    Data: { repository_arns: expect.arrayContaining([`${PREFIX}app69`]) },
  });
  expect(JSON.stringify(answer).length).toBeLessThan(4096);
});

it('has nothing to delete', async () => {
  const answer = await answerTo({ RequestType: 'Delete', PhysicalResourceId: 'old-name', ResourceProperties: {} });
  expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'old-name' });
});

it.each([
  [{ filters: ['App:*'], prefix: PREFIX }, 'at character 1'],
  [{ filters: '', prefix: PREFIX }, 'the filter is empty'],
  [{ filters: { a: 1 }, prefix: PREFIX }, 'invalid filters'],
  [{}, 'the filter is empty'],
  [{ filters: Array.from({ length: 100 }, (_, i) => `App${i}:*`), prefix: PREFIX }, 'and'],
  [
    { filters: ['*:*', ...Array.from({ length: 150 }, (_, i) => `!team/application-${i}:*`)], prefix: PREFIX },
    'the filters have 3493 characters, and the filtering function has room for 3396',
  ],
  [
    { filters: Array.from({ length: 100 }, (_, i) => `app${i}:*`), prefix: PREFIX },
    '100 repositories, whose ARNs take',
  ],
])('answers %j with what is wrong', async (ResourceProperties, reason) => {
  const answer = await answerTo({ ResourceProperties });
  expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) });
  expect(JSON.stringify(answer).length).toBeLessThan(4096);
});

it('answers again where an answer did not arrive, and fails where none does', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  let calls = 0;
  const failing = (times: number) => async () => {
    calls += 1;
    if (calls <= times) throw new Error('no way');
  };
  await handler(request({}), undefined, failing(1));
  expect(calls).toBe(2);
  calls = 0;
  await expect(handler(request({}), undefined, failing(3))).rejects.toThrow('no way');
  expect(calls).toBe(3);
});

it('speaks HTTPS, and nothing else', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  await expect(handler(request({ ResponseURL: 'http://127.0.0.1:1/' }))).rejects.toThrow(/[Pp]rotocol/);
});
