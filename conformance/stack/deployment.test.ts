// moto's CloudFormation creates, updates and deletes stacks of the plain template.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTool } from '../tools/tools.ts';
import type { AwsCalls } from './aws/aws-calls.ts';
import { CODE_KEYS, fillBucket, type PackageOptions, readCode } from './aws/code-bucket.ts';
import {
  getFunction,
  getFunctionPolicy,
  getRole,
  getRolePolicies,
  listNames,
  listRules,
  listTargets,
} from './aws/deployed.ts';
import { type Moto, startMoto } from './aws/moto.ts';
import { DeployedStack, type StackParameters } from './aws/stack.ts';
import { readTemplate } from './templates/templates.ts';

const BUCKET = 'code';
const FILTER = 'ECRImageActionEventFilteringLambda';
const GENERATOR = 'SociIndexGeneratorLambda';
const NAMES = 'RepositoryNameParsingLambda';
const FUNCTIONS = [FILTER, GENERATOR, NAMES];
const BOUNDARY = 'arn:aws:iam::123456789012:policy/Boundary';

/** Expected state of a stack. */
interface Expected {
  readonly bucket: string;
  readonly filters: string;
  readonly version: string;
  /** Repositories that the generator may access. */
  readonly repositories: readonly string[];
  /** @default generated names */
  readonly names?: Readonly<Record<string, string>>;
  readonly boundary?: string;
  readonly outputTag: string;
  /** @default 1769 */
  readonly memorySize?: number;
}

const OTHER_PARAMETERS = {
  SociRepositoryImageTagFilters: 'prod/*:V*, team/app:Release-?, !prod/tools:*',
  SociIndexVersion: 'V1',
  IamPermissionsBoundaryArn: BOUNDARY,
  ResourceNames: 'fixed',
  QSS3BucketName: BUCKET,
  QSS3BucketRegion: 'eu-west-1',
};
const UPDATED_PARAMETERS = { ...OTHER_PARAMETERS, SociRepositoryImageTagFilters: 'dev:*', SociIndexVersion: 'V2' };

const DEFAULTS: Expected = {
  bucket: BUCKET,
  filters: '*:*',
  version: 'V2',
  repositories: ['*'],
  outputTag: '{tag}-soci',
};
const OTHERS: Expected = {
  bucket: `${BUCKET}-us-east-1`,
  filters: 'prod/*:V*,team/app:Release-?,!prod/tools:*',
  version: 'V1',
  repositories: ['prod/*', 'team/app'],
  names: { ECRImageActionEventBridgeRule: 'ECRImageActionEventBridgeRule', [NAMES]: NAMES },
  boundary: BOUNDARY,
  // Version 1 pushes no tags.
  outputTag: 'none',
};

describe.skipIf(findTool('moto') === undefined)('the plain template', () => {
  let moto: Moto;
  let aws: AwsCalls;

  beforeAll(async () => {
    moto = await startMoto();
    ({ aws } = moto);
    // The second bucket is the copy in this Region of a bucket in another Region.
    for (const bucket of [BUCKET, `${BUCKET}-us-east-1`]) await fillBucket(aws, bucket);
    await aws.query('iam', 'CreatePolicy', {
      PolicyName: 'Boundary',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
      }),
    });
  });
  afterAll(() => moto.stop());

  test.each<[what: string, parameters: StackParameters, expected: Expected]>([
    ['with default parameters', { QSS3BucketName: BUCKET }, DEFAULTS],
    ['with other parameters', OTHER_PARAMETERS, OTHERS],
  ])('is deployed %s, updated, and leaves nothing when it is deleted', async (_what, parameters, expected) => {
    const stack = await DeployedStack.create(aws, 'soci', parameters);
    expect(await stack.status()).toBe('CREATE_COMPLETE');
    await checkStack(aws, stack, expected);

    const updated = { ...parameters, ...pick(UPDATED_PARAMETERS, 'SociRepositoryImageTagFilters', 'SociIndexVersion') };
    await stack.update(updated);
    expect(await stack.status()).toBe('UPDATE_COMPLETE');
    const { outputTag } = DEFAULTS;
    await checkStack(aws, stack, { ...expected, filters: 'dev:*', version: 'V2', repositories: ['dev'], outputTag });

    await checkDeletion(aws, stack);
  });

  test.each<[what: string, bucket: string, made: PackageOptions, parameters: StackParameters, expected: object]>([
    [
      'with an output tag, a key prefix and a memory size',
      'prefixed',
      { prefix: 'soci/v1.0/' },
      { SociOutputTag: 'soci-{digest12}', QSS3KeyPrefix: 'soci/v1.0/', MemorySize: '3538' },
      { outputTag: 'soci-{digest12}', memorySize: 3538 },
    ],
    ['from a package with names that change', 'hashed', { hashNames: true }, {}, {}],
  ])('is deployed %s', async (_what, bucket, made, parameters, expected) => {
    const template = await fillBucket(aws, bucket, made);
    const stack = await DeployedStack.create(aws, 'soci', { QSS3BucketName: bucket, ...parameters }, template);
    expect(await stack.status()).toBe('CREATE_COMPLETE');
    await checkStack(aws, stack, { ...DEFAULTS, bucket, ...expected });
    await checkDeletion(aws, stack);
  });

  test('is not deployed with an invalid filter, and CloudFormation reports the reason', async () => {
    // The pattern of the parameter accepts this filter.
    const parameters = { QSS3BucketName: BUCKET, SociRepositoryImageTagFilters: 'prod:[z-a]' };
    await expect(DeployedStack.create(aws, 'wrong', parameters)).rejects.toThrow('the range z-a is reversed');
  });

  // Last, because moto does not roll back a failed update.
  test('cannot change the names of resources later: CloudFormation rejects the update', async () => {
    const parameters = { QSS3BucketName: BUCKET, ResourceNames: 'generated' };
    const stack = await DeployedStack.create(aws, 'names', parameters);
    await stack.update({ ...parameters, SociRepositoryImageTagFilters: 'dev:*' });
    expect(await stack.status()).toBe('UPDATE_COMPLETE');
    const update = stack.update({ ...parameters, ResourceNames: 'fixed' });
    await expect(update).rejects.toThrow('Modifying service token is not allowed');
  });
});

async function checkDeletion(aws: AwsCalls, stack: DeployedStack): Promise<void> {
  await stack.delete();
  await expect(stack.status()).rejects.toThrow('does not exist');
  expect([await listNames(aws), await listRules(aws)]).toEqual([[], []]);
}

async function checkStack(aws: AwsCalls, stack: DeployedStack, expected: Expected): Promise<void> {
  const resources = await stack.resources();
  const created = Object.entries(readTemplate('plain').Resources).filter(
    // The only condition of a resource that holds with these parameters.
    ([, { Condition }]) => Condition === undefined || Condition === 'DeliversAsynchronously',
  );
  const types = created.map(([id, { Type }]) => [id, Type]);
  expect([...resources.values()].map((made) => [made.LogicalResourceId, made.ResourceType]).sort()).toEqual(
    types.sort(),
  );
  for (const [id, name] of Object.entries(expected.names ?? {})) {
    expect(resources.get(id)?.PhysicalResourceId).toBe(name);
  }
  for (const id of FUNCTIONS) {
    const role = await getRole(aws, stack, `${id}Role`);
    expect(role.PermissionsBoundary?.PermissionsBoundaryArn).toBe(expected.boundary);
    const made = await getFunction(aws, stack, id);
    expect(made).toMatchObject({ Runtime: 'nodejs24.x', Handler: 'index.handler' });
    expect(made.Role).toMatch(new RegExp(`/${role.RoleName}$`));
    if (CODE_KEYS[id] === undefined) continue;
    const zip = await readCode(aws, expected.bucket, id);
    expect(made.CodeSha256).toBe(createHash('sha256').update(zip).digest('base64'));
  }
  const generator = await getFunction(aws, stack, GENERATOR);
  expect(generator).toMatchObject({ MemorySize: expected.memorySize ?? 1769, Timeout: 900 });
  expect(generator.Environment?.Variables).toEqual({
    POWERTOOLS_SERVICE_NAME: `${stack.name}/SociIndexBuilder`,
    soci_event_kinds: 'push',
    soci_index_version: expected.version,
    soci_output_tag: expected.outputTag,
    soci_recompress: 'none',
    soci_span_size: '4194304',
    soci_queue_url: '',
    soci_use_stored_profile: 'false',
  });
  const filter = await getFunction(aws, stack, FILTER);
  expect(filter.Environment?.Variables).toMatchObject({
    soci_repository_image_tag_filters: expected.filters,
    soci_output_tag: expected.outputTag,
    soci_index_generator_lambda_arn: generator.FunctionArn,
  });
  const statements = (await getRolePolicies(aws, generator)).flatMap(({ Statement }) => Statement);
  expect(statements.find(({ Action }) => Action.includes('ecr:PutImage'))?.Resource).toEqual(
    expected.repositories.map((name) => `arn:aws:ecr:us-east-1:123456789012:repository/${name}`),
  );
  await checkRule(aws, filter.FunctionArn);
}

/** Checks that the only rule has the filter as its target, and that only this rule may invoke the filter. */
async function checkRule(aws: AwsCalls, filter: string): Promise<void> {
  const [rule, ...others] = await listRules(aws);
  expect(others).toEqual([]);
  expect(rule?.State).toBe('ENABLED');
  expect(await listTargets(aws, rule?.Name ?? '')).toEqual([filter]);
  expect(await getFunctionPolicy(aws, filter)).toMatchObject({
    Statement: [
      {
        Effect: 'Allow',
        Action: 'lambda:InvokeFunction',
        Principal: { Service: 'events.amazonaws.com' },
        Condition: { ArnLike: { 'AWS:SourceArn': rule?.Arn } },
      },
    ],
  });
}

function pick(from: StackParameters, ...names: readonly string[]): StackParameters {
  return Object.fromEntries(names.map((name) => [name, from[name] ?? '']));
}
