// moto's CloudFormation creates stacks of the plain template with optional parameters, and updates them.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { evaluateTemplate } from '../../apps/stack/src/fixtures/evaluate-template.ts';
import { findTool } from '../tools/tools.ts';
import type { AwsCalls } from './aws/aws-calls.ts';
import { fillBucket } from './aws/code-bucket.ts';
import { getFunction, getRolePolicies, listNames, listRules } from './aws/deployed.ts';
import { type Moto, startMoto } from './aws/moto.ts';
import { DeployedStack, type StackParameters } from './aws/stack.ts';
import { readTemplate } from './templates/templates.ts';

const BUCKET = 'optional';
const FILTER = 'ECRImageActionEventFilteringLambda';
const GENERATOR = 'SociIndexGeneratorLambda';
const PARSER = 'RepositoryNameParsingLambda';
const REQUIRED = { QSS3BucketName: BUCKET };

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const MEMBERS = '111122223333,444455556666';
const SUBNETS = ['subnet-0a1b2c3d', 'subnet-1a1b2c3d'];
const GROUPS = ['sg-0a1b2c3d', 'sg-1a1b2c3d'];
/** Types that moto ignores. */
const IGNORED = ['AWS::CloudWatch::Alarm', 'AWS::SQS::QueuePolicy'];
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:alarms';

describe.skipIf(findTool('moto') === undefined)('the plain template with optional parameters', () => {
  let moto: Moto;
  let aws: AwsCalls;

  beforeAll(async () => {
    moto = await startMoto();
    ({ aws } = moto);
    await fillBucket(aws, BUCKET);
  });
  afterAll(() => moto.stop());

  /** Creates a stack that is deleted after the test. */
  const create = async (parameters: StackParameters) => {
    const stack = await DeployedStack.create(aws, 'soci', { ...REQUIRED, ...parameters });
    onTestFinished(() => stack.delete());
    return stack;
  };

  test.each<[what: string, parameters: StackParameters, generator: object, variables: object]>([
    ['a timeout of 30 minutes', { Timeout: '1800' }, { Timeout: 1800 }, {}],
    ['arm64', { Architecture: 'arm64' }, {}, {}],
    ['reserved concurrency', { ReservedConcurrency: '20' }, {}, {}],
    ['a minimum layer size', { SociMinLayerSize: '1048576' }, {}, { soci_min_layer_size: '1048576' }],
    [
      'all kinds of events',
      { UntaggedImages: 'true', SociOutputTag: 'none', ReplicatedImages: 'true', CachedImages: 'true' },
      {},
      { soci_event_kinds: 'push,replication,pull-through-cache', soci_output_tag: 'none' },
    ],
    ['member accounts', { MemberAccounts: MEMBERS }, {}, { soci_member_accounts: MEMBERS }],
    ['a dead-letter queue', { DeadLetterQueue: 'true' }, {}, {}],
    ['alarms', { Alarms: 'true' }, {}, {}],
    ['log groups', { LogRetentionDays: '30' }, {}, {}],
    ['a key', { KmsKeyArn: KEY }, {}, {}],
  ])('is deployed with %s, and updated to the defaults and back', async (_what, parameters, made, variables) => {
    const stack = await create(parameters);
    const check = async () => {
      await checkResources(stack, parameters);
      const generator = await getFunction(aws, stack, GENERATOR);
      expect(generator).toMatchObject(made);
      // moto keeps the numbers of parameters, which CloudFormation converts to text.
      const texts = Object.entries(generator.Environment?.Variables ?? {}).map(([key, value]) => [key, String(value)]);
      expect(Object.fromEntries(texts)).toMatchObject(variables);
      await checkPolicies(aws, stack, parameters);
    };
    await check();
    await stack.update(REQUIRED);
    await checkResources(stack, {});
    await checkPolicies(aws, stack, {});
    await stack.update({ ...REQUIRED, ...parameters });
    await check();
  });

  test('lets the generator access the repositories of member accounts, and outputs their policy', async () => {
    const stack = await create({ MemberAccounts: MEMBERS, SociRepositoryImageTagFilters: 'app:*' });
    const generator = await getFunction(aws, stack, GENERATOR);
    const statements = (await getRolePolicies(aws, generator)).flatMap(({ Statement }) => Statement);
    expect(statements.find(({ Action }) => Action.includes('ecr:PutImage'))?.Resource).toEqual(
      ['123456789012', ...MEMBERS.split(',')].map((account) => `arn:aws:ecr:us-east-1:${account}:repository/app`),
    );
    const { MemberRepositoryPolicy = '' } = await stack.outputs();
    expect(JSON.parse(MemberRepositoryPolicy)).toMatchObject({
      Statement: [{ Sid: 'SociIndexBuilder', Principal: { AWS: generator.Role } }],
    });
  });

  test('is deployed with all of them', async () => {
    const parameters: StackParameters = {
      SubnetIds: SUBNETS.join(','),
      SecurityGroupIds: GROUPS.join(','),
      Timeout: '1800',
      Architecture: 'arm64',
      ReservedConcurrency: '20',
      LogRetentionDays: '7',
      AlarmTopicArn: TOPIC,
      KmsKeyArn: KEY,
      UntaggedImages: 'true',
      SociIndexVersion: 'V1',
      ReplicatedImages: 'true',
      CachedImages: 'true',
    };
    const stack = await create(parameters);
    await checkResources(stack, parameters);
    await checkPolicies(aws, stack, parameters);
    expect(await getFunction(aws, stack, GENERATOR)).toMatchObject({
      Timeout: 1800,
      VpcConfig: { SubnetIds: SUBNETS, SecurityGroupIds: GROUPS },
    });
    const [rule] = await listRules(aws);
    expect(JSON.parse(rule?.EventPattern ?? '')).toMatchObject({
      'detail-type': ['ECR Image Action', 'ECR Replication Action', 'ECR Pull Through Cache Action'],
      detail: { $or: [{ result: ['SUCCESS'] }, { 'sync-status': ['SUCCESS'] }] },
    });
    expect(rule?.EventPattern).not.toContain('image-tag');
  });

  test('exports its name like the template of AWS', async () => {
    const stack = await create({});
    expect(await stack.outputs()).toMatchObject({ ExportsStackName: 'soci' });
    const { Exports } = await aws.query<{ Exports: { Name: string; Value: string }[] }>(
      'cloudformation',
      'ListExports',
      {},
    );
    expect(Exports.map(({ Name, Value }) => [Name, Value])).toContainEqual(['ExportsStackName-soci', 'soci']);
  });

  test('leaves nothing when its stacks are deleted', async () => {
    expect([await listNames(aws), await listRules(aws)]).toEqual([[], []]);
  });
});

/** Checks that exactly those resources exist whose conditions hold. */
async function checkResources(stack: DeployedStack, parameters: StackParameters): Promise<void> {
  const created = evaluateTemplate(readTemplate('plain'), { ...REQUIRED, ...parameters });
  const expected = Object.entries(created).filter(([, { Type }]) => !IGNORED.includes(Type));
  const resources = [...(await stack.resources()).values()];
  const sorted = (pairs: (readonly [string, string])[]) => pairs.map((pair) => pair.join(' ')).sort();
  expect(sorted(resources.map((made) => [made.LogicalResourceId, made.ResourceType] as const))).toEqual(
    sorted(expected.map(([id, { Type }]) => [id, Type] as const)),
  );
}

/** Checks that the roles have exactly the permissions of the parameters. */
async function checkPolicies(aws: AwsCalls, stack: DeployedStack, parameters: StackParameters): Promise<void> {
  const expected = evaluateTemplate(readTemplate('plain'), { ...REQUIRED, ...parameters });
  for (const id of [FILTER, GENERATOR, PARSER]) {
    const policies = await getRolePolicies(aws, await getFunction(aws, stack, id));
    const actions = policies.flatMap(({ Statement }) => Statement).flatMap(({ Action }) => Action);
    expect(actions.sort()).toEqual(actionsOf(expected, `${id}Role`).sort());
  }
}

type Statements = readonly { readonly Action: string | readonly string[] }[];

/** Returns the actions of the policies of a role in a template. */
function actionsOf(resources: ReturnType<typeof evaluateTemplate>, role: string): string[] {
  const inline = (resources[role]?.Properties?.Policies ?? []) as { PolicyDocument: { Statement: Statements } }[];
  const attached = Object.values(resources).flatMap(({ Type, Properties = {} }) => {
    const { Roles, PolicyDocument } = Properties as {
      Roles?: { Ref: string }[];
      PolicyDocument?: { Statement: Statements };
    };
    return Type === 'AWS::IAM::Policy' && Roles?.[0]?.Ref === role ? [{ PolicyDocument }] : [];
  });
  return [...inline, ...attached]
    .flatMap(({ PolicyDocument }) => PolicyDocument?.Statement ?? [])
    .flatMap(({ Action }) => Action);
}
