// The deployed code runs in the deployed environment on registry events that match the deployed rule. The tests compare
// its calls with the permissions of the deployed roles.

import type { FilterResponse, GeneratorResponse } from '@soci/functions';
import { verifySociIndex } from '@soci/index';
import { openRegistry } from '@soci/registry';
import { makeImage, makeLayer } from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { REPORTS } from '../../run-report.ts';
import { findTool } from '../../tools/tools.ts';
import { fillBucket } from '../aws/code-bucket.ts';
import { type DeployedFunction, getRolePolicies } from '../aws/deployed.ts';
import { type Moto, startMoto } from '../aws/moto.ts';
import { DeployedStack, type StackParameters } from '../aws/stack.ts';
import { allows, type Call, type Policy, unusedPermissions } from '../iam/policy.ts';
import { callsOfLambda, callsOfLog } from './calls.ts';
import { DeployedWorkflow, type RegistryEvent } from './deployed-workflow.ts';
import { putQueue } from './rule-queue.ts';

/** Larger than 10 MiB, below which layers are not indexed. */
const LARGE = 12 << 20;

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** Settings that need further permissions. */
const OPTIONS: StackParameters = {
  KmsKeyArn: KEY,
  DeadLetterQueue: 'true',
  SubnetIds: 'subnet-0a1b2c3d',
  SecurityGroupIds: 'sg-0a1b2c3d',
  LogRetentionDays: '30',
};

describe.skipIf(findTool('moto') === undefined).each<[version: 'V1' | 'V2', what: string, options: StackParameters]>([
  ['V1', 'with default settings', {}],
  ['V2', 'with default settings', {}],
  ['V2', 'in a VPC, with a key, a queue and log groups', OPTIONS],
])('a stack for version %s %s', (version, _what, options) => {
  let moto: Moto;
  let workflow: DeployedWorkflow;
  /** IAM calls by function. */
  let policies: { filter: Policy[]; generator: Policy[] };
  let calls: { filter: Call[]; generator: Call[] };

  beforeAll(async () => {
    moto = await startMoto();
    const { aws } = moto;
    await fillBucket(aws, 'code');
    const stack = await DeployedStack.create(aws, 'soci', {
      QSS3BucketName: 'code',
      SociIndexVersion: version,
      SociRepositoryImageTagFilters: 'prod/*:V*,!prod/tools:*',
      ...options,
    });
    workflow = await DeployedWorkflow.start(aws, stack, 'code');
    const { filter, generator } = workflow;
    policies = { filter: await getRolePolicies(aws, filter), generator: await getRolePolicies(aws, generator) };

    const base = makeLayer('base', LARGE);
    await workflow.push('prod/app', 'V1', makeImage([base, makeLayer('one', LARGE)]));
    // Its base is already indexed with another image.
    await workflow.push('prod/app', 'V2', makeImage([base, makeLayer('two', LARGE)]));
    await workflow.push('prod/tools', 'V1', makeImage([base]));
    await workflow.pushArchived('prod/app', 'V0', makeImage([makeLayer('zero', LARGE)]));
    REPORTS.stack.measured(`calls to Amazon ECR for two images, ${version}`, countActions(workflow.generatorCalls));
    const made = [...(await stack.resources()).values()];
    const nameOf = (type: string, id: string) => {
      const found = made.find((each) => each.ResourceType === type && each.LogicalResourceId.includes(id));
      return found?.PhysicalResourceId.split(/^https?:.*\//).at(-1);
    };
    const logOf = ({ FunctionName }: DeployedFunction, id: string) =>
      callsOfLog(FunctionName, nameOf('AWS::Logs::LogGroup', id));
    const used = { key: options.KmsKeyArn, queue: nameOf('AWS::SQS::Queue', 'DeadLetterQueue') };
    const isInVpc = options.SubnetIds !== undefined;
    calls = {
      filter: [...workflow.filterCalls, ...logOf(filter, 'FilteringLambda'), ...callsOfLambda(used)],
      generator: [
        ...workflow.generatorCalls,
        ...logOf(generator, 'GeneratorLambda'),
        ...callsOfLambda({ ...used, isInVpc }),
      ],
    };
  });
  afterAll(async () => {
    await workflow.stop();
    await moto.stop();
  });

  test("moto's EventBridge and ours match the same events", async () => {
    const { registry, lambda, filter } = workflow;
    const pushes = registry.events;
    const deletions = pushes.map((event) => ({
      ...event,
      detail: { ...event.detail, 'action-type': 'DELETE' as const },
    }));
    const untagged = pushes.map((event) => ({ ...event, detail: { ...event.detail, 'image-tag': '' } }));
    const queue = await putQueue(moto.aws, workflow.rule.Name);
    const passed = await queue.pass([...deletions, ...untagged, ...pushes]);
    const filtered = lambda.invocations.filter(({ functionName }) => functionName === filter.FunctionName);
    const details = filtered.map(({ payload }) => (payload as RegistryEvent).detail);
    expect(details.length).toBeGreaterThanOrEqual(3);
    expect(sorted(passed.map(({ detail }) => detail))).toEqual(sorted(details));
  });

  test('indexes only images that match the filters, and each layer once', () => {
    const answers = workflow.answersOf<GeneratorResponse>(workflow.generator);
    expect(answers).toMatchObject([
      { outcome: 'indexed', layers: { built: 2, reused: 0 } },
      { outcome: 'indexed', layers: { built: 1, reused: 1 } },
      { outcome: 'skipped', reason: 'archived' },
    ]);
    expect(workflow.answersOf<FilterResponse>(workflow.filter).every(({ statusCode }) => statusCode === 200)).toBe(
      true,
    );
    expect(workflow.lambda.abandoned).toEqual([]);
    expect(workflow.registry.tags('prod/tools')).toEqual(['V1']);
  });

  test('the indexes exist and are valid', async () => {
    const { host, credentials } = workflow.registry;
    const client = openRegistry(host, { credentials: async () => ({ kind: 'password', ...credentials }) });
    onTestFinished(() => client.close());
    const answers = workflow.answersOf<GeneratorResponse>(workflow.generator);
    for (const answer of answers.filter(({ outcome }) => outcome !== 'skipped')) {
      if (answer.outcome !== 'indexed') throw new Error(answer.body);
      expect(answer.version).toBe(version === 'V1' ? 1 : 2);
      expect(answer.indexes).toHaveLength(1);
      for (const made of answer.root === undefined ? answer.indexes : [answer.root]) {
        const verified = await verifySociIndex(client.repository('prod/app'), made);
        expect(verified).toMatchObject({ outcome: 'valid', problems: [] });
      }
    }
    expect(workflow.registry.tags('prod/app')).toEqual(
      version === 'V1' ? ['V0', 'V1', 'V2'] : ['V0', 'V1', 'V1-soci', 'V2', 'V2-soci'],
    );
  });

  test.each(['filter', 'generator'] as const)('the role of the %s allows all its calls', (name) => {
    expect(calls[name].length).toBeGreaterThan(3);
    expect(calls[name].filter((call) => !allows(policies[name], call))).toEqual([]);
  });

  test.each(['filter', 'generator'] as const)('the role of the %s allows no other calls', (name) => {
    expect(unusedPermissions(policies[name], calls[name])).toEqual([]);
  });

  test('neither role allows calls of the other function or on other repositories', () => {
    // Both use the key and the dead-letter queue.
    const isShared = ({ action }: Call) => action.startsWith('kms:') || action === 'sqs:SendMessage';
    const [filter, generator] = [calls.filter, calls.generator].map((all) => all.filter((call) => !isShared(call)));
    expect(generator?.filter((call) => allows(policies.filter, call))).toEqual([]);
    expect(filter?.filter((call) => allows(policies.generator, call))).toEqual([]);
    const resource = 'arn:aws:ecr:us-east-1:123456789012:repository/dev/app';
    expect(allows(policies.generator, { action: 'ecr:BatchGetImage', resource })).toBe(false);
  });

  // Last, because it adds images.
  test('excludes a tag with the suffix of output tags, if indexes have tags', async () => {
    await workflow.push('prod/app', 'V3-soci', makeImage([makeLayer('three', LARGE)]));
    const [answer] = workflow.answersOf<FilterResponse>(workflow.filter).slice(-1);
    expect(answer?.body).toContain(version === 'V1' ? 'V3-soci' : '!*:*-soci excludes it');
    expect(workflow.answersOf<GeneratorResponse>(workflow.generator)).toHaveLength(version === 'V1' ? 4 : 3);
  });
});

/** Sorts values, so that their order does not matter. */
function sorted(values: readonly object[]): string[] {
  return values.map((value) => JSON.stringify(Object.entries(value).sort())).sort();
}

function countActions(calls: readonly Call[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { action } of calls) counts[action] = (counts[action] ?? 0) + 1;
  return counts;
}
