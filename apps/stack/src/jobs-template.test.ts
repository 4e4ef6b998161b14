import { App } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { FUNCTION_KEYS } from './function-keys.ts';
import { createJobsStack, jobsTemplate } from './jobs-template.ts';

interface Template {
  readonly Parameters: Readonly<
    Record<string, { readonly Default?: string | number; readonly AllowedPattern?: string }>
  >;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<
    Record<
      string,
      { readonly Type: string; readonly Condition?: string; readonly Properties: Readonly<Record<string, unknown>> }
    >
  >;
}

const template = jobsTemplate() as Template;
const resources = Object.values(template.Resources);
const ofType = (type: string) => resources.filter(({ Type }) => Type === type);

it('is small enough for inline use', () => {
  expect(Buffer.byteLength(JSON.stringify(template))).toBeLessThan(51_200);
});

it('needs only the generator and the bucket with the zips', () => {
  const required = Object.entries(template.Parameters).filter(([, { Default }]) => Default === undefined);
  expect(required.map(([name]) => name)).toEqual(['GeneratorFunction', 'QSS3BucketName']);
});

it('refers to no CDK bootstrap and no asset', () => {
  const text = JSON.stringify(template);
  expect(text).not.toContain('cdk-hnb659fds');
  expect(text).not.toContain('BootstrapVersion');
});

it('takes the code of its five functions from the bucket', () => {
  const code = ofType('AWS::Lambda::Function').map(({ Properties }) => Properties.Code as { S3Key?: unknown });
  const keys = code.flatMap(({ S3Key }) => (S3Key === undefined ? [] : [JSON.stringify(S3Key)]));
  expect(keys).toHaveLength(5);
  for (const key of keys) expect(key).toContain('functions/packages/soci-registry-jobs/lambda.zip');
});

it('takes the code from another key, which can contain a hash', () => {
  const app = new App({ analyticsReporting: false });
  const { artifactId } = createJobsStack(app, { ...FUNCTION_KEYS, jobs: 'hash/jobs.zip' });
  expect(JSON.stringify(app.synth().getStackArtifact(artifactId).template)).toContain('hash/jobs.zip');
});

it('has a schedule only if the parameter is set', () => {
  expect(ofType('AWS::Scheduler::Schedule')).toMatchObject([{ Condition: 'HasSchedule' }]);
  const conditional = resources.filter(({ Condition }) => Condition === 'HasSchedule').map(({ Type }) => Type);
  expect(conditional.sort()).toEqual(['AWS::IAM::Policy', 'AWS::IAM::Role', 'AWS::Scheduler::Schedule']);
  const pattern = new RegExp(template.Parameters.Schedule?.AllowedPattern ?? '');
  expect(['', 'rate(1 day)', 'cron(0 3 * * ? *)'].filter((value) => !pattern.test(value))).toEqual([]);
  expect(['1 day', 'rate()', 'at(x'].filter((value) => pattern.test(value))).toEqual([]);
});

it('has a permissions boundary for every role if the parameter is set', () => {
  const boundaries = ofType('AWS::IAM::Role').map(({ Properties }) => Properties.PermissionsBoundary);
  const boundary = {
    'Fn::If': ['UsePermissionsBoundary', { Ref: 'IamPermissionsBoundaryArn' }, { Ref: 'AWS::NoValue' }],
  };
  // Five steps, the function that parses the filters, the state machine and the schedule.
  expect(boundaries).toEqual(Array.from({ length: 8 }, () => boundary));
});

it('passes the parameters on', () => {
  const [machine] = ofType('AWS::StepFunctions::StateMachine');
  expect(JSON.stringify(machine)).toContain('{"Ref":"MaxConcurrency"}');
  const list = ofType('AWS::Lambda::Function').find(({ Properties }) => Properties.Handler === 'list.handler');
  expect(list?.Properties.Environment).toMatchObject({
    Variables: {
      soci_max_image_size: { Ref: 'MaxImageSize' },
      soci_index_version: { Ref: 'SociIndexVersion' },
      soci_confirm_above: { Ref: 'ConfirmAbove' },
    },
  });
});

describe('the garbage collection', () => {
  const conditionOf = (id: string) => {
    const [found] = Object.entries(template.Resources).filter(([name]) => name.includes(id));
    return template.Conditions[found?.[1].Condition ?? ''];
  };

  it('is off by default, and every function knows the parameter', () => {
    expect(template.Parameters.GarbageCollection?.Default).toBe('off');
    const functions = ofType('AWS::Lambda::Function').filter(
      ({ Properties }) => Properties.Handler !== 'index.handler',
    );
    expect(functions).toHaveLength(5);
    for (const { Properties } of functions) {
      expect(Properties.Environment).toMatchObject({
        Variables: {
          soci_garbage: { Ref: 'GarbageCollection' },
          soci_in_use_clusters: { Ref: 'EcsClusters' },
          soci_in_use_elsewhere: { Ref: 'OtherImagesInUse' },
          soci_garbage_older_than_days: { Ref: 'GarbageOlderThan' },
        },
      });
    }
  });

  it('has permissions to read only if it is on, and to delete only if this is switched on', () => {
    const isOff = { 'Fn::Equals': [{ Ref: 'GarbageCollection' }, 'off'] };
    expect(conditionOf('CollectFunctionPolicy')).toEqual({ 'Fn::Not': [isOff] });
    expect(conditionOf('CollectFunctionDeletePolicy')).toEqual({
      'Fn::Equals': [{ Ref: 'GarbageCollection' }, 'delete'],
    });
    const policies = ofType('AWS::IAM::Policy').filter(({ Properties }) =>
      JSON.stringify(Properties).includes('ecr:BatchDeleteImage'),
    );
    expect(policies).toHaveLength(1);
    expect(policies[0]?.Condition).toBe('HasCollectFunctionDeletePolicy');
  });

  it('may read only the named clusters', () => {
    const policies = ofType('AWS::IAM::Policy').filter(({ Condition }) => Condition?.includes('Clusters'));
    const document = policies[0]?.Properties.PolicyDocument as { readonly Statement?: { Condition?: object }[] };
    const prefix = 'arn:*:ecs:*:*:cluster/';
    const names = { 'Fn::Split': [',', { Ref: 'EcsClusters' }] };
    const joined = { 'Fn::Join': ['', [prefix, { 'Fn::Join': [`,${prefix}`, names] }]] };
    expect(document.Statement?.[0]?.Condition).toEqual({ ArnLike: { 'ecs:cluster': { 'Fn::Split': [',', joined] } } });
  });

  it('needs to be told whether other images are in use', () => {
    const { Rules } = jobsTemplate() as { Rules: Record<string, { Assertions: object[] }> };
    expect(Rules.GarbageCollectionNeedsImagesInUse?.Assertions).toMatchObject([
      { Assert: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'OtherImagesInUse' }, ''] }] } },
    ]);
  });
});
