import { digestOf } from '@soci/oci';
import { expect, onTestFinished, test } from 'vitest';
import { digestsInUse } from './digests-in-use.ts';
import { type AwsCallRecord, type AwsResponse, startAwsApi } from './fixtures/aws-api.ts';

const ARN = 'arn:aws:ecs:eu-west-1:123456789012';
const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'aws-s3cret' };
const digest = (name: string) => digestOf(Buffer.from(name));

/** A cluster, with the answers of the API by operation. */
interface Cluster {
  readonly tasks?: Readonly<Record<string, object>>;
  readonly services?: Readonly<Record<string, object>>;
  readonly revisions?: Readonly<Record<string, object>>;
  readonly definitions?: Readonly<Record<string, object>>;
}

const fail = (type: string): AwsResponse => ({ status: 400, body: { __type: type, message: 'no' } });

/** Answers like Amazon ECS: two items a page, and no more items a call than the API Reference allows. */
function answer(cluster: Cluster, { target, input }: AwsCallRecord): AwsResponse {
  const asked = input as Readonly<Record<string, unknown>>;
  const operation = target.replace('AmazonEC2ContainerServiceV20141113.', '');
  if ('cluster' in asked && asked.cluster !== 'web') return fail('ClusterNotFoundException');
  const list = (items: object = {}, field: string): AwsResponse => {
    const from = Number(asked.nextToken ?? 0);
    const keys = Object.keys(items);
    const more = from + 2 < keys.length ? { nextToken: String(from + 2) } : {};
    return { body: { [field]: keys.slice(from, from + 2), ...more } };
  };
  const describe = (items: Readonly<Record<string, object>> = {}, field: string, ids: unknown, limit: number) => {
    if (!Array.isArray(ids) || ids.length === 0 || ids.length > limit) return fail('InvalidParameterException');
    const found = ids.flatMap((id) => items[id] ?? []);
    const failures = ids.filter((id) => !(id in items)).map((arn) => ({ arn, reason: 'MISSING' }));
    return { body: { [field]: found, failures } };
  };
  switch (operation) {
    case 'ListTasks':
      return list({ ...cluster.tasks, ended: {} }, 'taskArns');
    case 'DescribeTasks':
      return describe(cluster.tasks, 'tasks', asked.tasks, 100);
    case 'ListServices':
      return list(cluster.services, 'serviceArns');
    case 'DescribeServices':
      return describe(cluster.services, 'services', asked.services, 10);
    case 'DescribeServiceRevisions':
      return describe(cluster.revisions, 'serviceRevisions', asked.serviceRevisionArns, 20);
    case 'DescribeTaskDefinition':
      return { body: { taskDefinition: cluster.definitions?.[String(asked.taskDefinition)] } };
    default:
      return fail('UnknownOperationException');
  }
}

async function start(cluster: Cluster | ((call: AwsCallRecord) => AwsResponse)) {
  const api = await startAwsApi();
  onTestFinished(() => api.stop());
  api.respondWith((_, call) => (typeof cluster === 'function' ? cluster(call) : answer(cluster, call)));
  const options = { region: 'eu-west-1', credentials: KEYS, endpoint: api.endpoint };
  return {
    api,
    find: (name = 'web', signal?: AbortSignal) => digestsInUse(name, { ...options, ...(signal && { signal }) }),
  };
}

test('finds the images of tasks, of service revisions and of task definitions', async () => {
  const { find } = await start({
    tasks: {
      t1: { containers: [{ image: `${HOST}/app:v1-soci`, imageDigest: digest('running') }, { name: 'no image' }] },
      t2: { containers: [{ image: `${HOST}/app:v2-soci` }] },
      t3: { containers: [{ image: `${HOST}/app@${digest('by digest')}` }] },
    },
    services: {
      s1: { taskDefinition: 'd1', currentServiceRevisions: [{ arn: 'r1' }], deployments: [{ taskDefinition: 'd2' }] },
      s2: { taskDefinition: 'd1', taskSets: [{ taskDefinition: 'd3' }] },
      s3: {},
    },
    revisions: { r1: { containerImages: [{ image: `${HOST}/app:v3`, imageDigest: digest('revision') }] } },
    definitions: {
      d1: { containerDefinitions: [{ image: `${HOST}/app:v4` }] },
      d2: { containerDefinitions: [{ image: `${HOST}/app@${digest('rolled back')}` }] },
      d3: { containerDefinitions: [{ image: 'nginx' }] },
    },
  });
  expect([...(await find())].sort()).toEqual(
    [
      digest('running'),
      `${HOST}/app:v2-soci`,
      digest('by digest'),
      digest('revision'),
      `${HOST}/app:v4`,
      digest('rolled back'),
      'nginx',
    ].sort(),
  );
});

test('describes many tasks and services in batches', async () => {
  const some = (prefix: string, count: number, value: (i: number) => object) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, value(i)]));
  const { api, find } = await start({
    tasks: some('t', 150, (i) => ({ containers: [{ imageDigest: digest(`task ${i}`) }] })),
    services: some('s', 25, (i) => ({ taskDefinition: 'd', currentServiceRevisions: [{ arn: `r${i}` }] })),
    revisions: some('r', 25, (i) => ({ containerImages: [{ imageDigest: digest(`revision ${i}`) }] })),
  });
  expect((await find()).size).toBe(175);
  const count = (operation: string) => api.calls.filter(({ target }) => target.endsWith(`.${operation}`)).length;
  expect(
    ['DescribeTasks', 'DescribeServices', 'DescribeServiceRevisions', 'DescribeTaskDefinition'].map(count),
  ).toEqual([2, 3, 2, 1]);
});

test('takes the Region from the ARN of the cluster', async () => {
  const { api } = await start(() => ({ body: {} }));
  const found = await digestsInUse(`${ARN}:cluster/web`, { credentials: KEYS, endpoint: api.endpoint });
  expect(found.size).toBe(0);
});

test('fails if the cluster does not exist', async () => {
  const { find } = await start({});
  await expect(find('other')).rejects.toMatchObject({ name: 'OciError', code: 'NOT_FOUND' });
});

test.each(['ListTasks', 'DescribeTasks', 'ListServices', 'DescribeServices', 'DescribeServiceRevisions'])(
  'fails without the permission ecs:%s, because images in use would be missing',
  async (operation) => {
    const cluster = {
      tasks: { t: { containers: [] } },
      services: { s: { currentServiceRevisions: [{ arn: 'r' }] } },
      revisions: { r: {} },
    };
    const { find } = await start((call) =>
      call.target.endsWith(`.${operation}`) ? fail('AccessDeniedException') : answer(cluster, call),
    );
    await expect(find()).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(`ecs:${operation}`),
    });
  },
);

test('fails if a task cannot be described', async () => {
  const { find } = await start(({ target }) =>
    target.endsWith('.ListTasks')
      ? { body: { taskArns: ['t1'] } }
      : { body: { tasks: [], failures: [{ arn: 't1', reason: 'ACCESS_DENIED' }] } },
  );
  await expect(find()).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
});

test('rejects a list that repeats a page, and stops when the caller aborts', async () => {
  const { find } = await start(() => ({ body: { taskArns: [], nextToken: 'again' } }));
  await expect(find()).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
  await expect(find('web', AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
});
