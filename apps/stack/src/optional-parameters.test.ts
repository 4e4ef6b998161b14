import { type SociIndexBuilderProps, SociRecompression } from '@soci/construct';
import { App, CfnParameter, Duration, Size, type Stack } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import { evaluateTemplate, type Resource, type Template } from './fixtures/evaluate-template.ts';
import { plainTemplate } from './plain-template.ts';
import { SociIndexBuilderStack } from './soci-index-builder-stack.ts';
import { CONTEXT_VALUES, stackFromContext } from './stack-from-context.ts';

const plain = plainTemplate() as Template;

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:alarms';

/** Settings of the construct with the same effect as the default parameters. */
const DEFAULTS: SociIndexBuilderProps = {
  outputTag: '{tag}-soci',
  recompress: SociRecompression.of('none'),
  spanSize: Size.mebibytes(4),
};

/** Values of parameters, and the properties of the construct with the same meaning. */
const CASES: readonly (readonly [
  parameters: Readonly<Record<string, string>>,
  props: (stack: Stack) => SociIndexBuilderProps,
])[] = [
  [{}, () => ({})],
  [{ Timeout: '1800', MemorySize: '3538' }, () => ({ timeout: Duration.minutes(30), memorySize: 3538 })],
  [{ Architecture: 'arm64' }, () => ({ architecture: Architecture.ARM_64 })],
  [{ ReservedConcurrency: '20' }, () => ({ reservedConcurrentExecutions: 20 })],
  [{ SociMinLayerSize: '1048576' }, () => ({ minLayerSize: Size.mebibytes(1) })],
  [{ UntaggedImages: 'true', SociOutputTag: 'none' }, () => ({ untaggedImages: true, outputTag: 'none' })],
  [{ ReplicatedImages: 'true' }, () => ({ replicatedImages: true })],
  [{ CachedImages: 'true' }, () => ({ cachedImages: true })],
  [
    { UntaggedImages: 'true', SociOutputTag: 'none', ReplicatedImages: 'true', CachedImages: 'true' },
    () => ({ untaggedImages: true, outputTag: 'none', replicatedImages: true, cachedImages: true }),
  ],
  [{ MemberAccounts: '111122223333,444455556666' }, () => ({ memberAccounts: ['111122223333', '444455556666'] })],
  [{ LogRetentionDays: '30' }, () => ({ logRetention: RetentionDays.ONE_MONTH })],
  [{ DeadLetterQueue: 'true' }, () => ({ deadLetterQueueEnabled: true })],
  [{ Alarms: 'true' }, () => ({ deadLetterQueueEnabled: true, alarms: true })],
  [
    { AlarmTopicArn: TOPIC },
    (stack) => ({ deadLetterQueueEnabled: true, alarmTopic: Topic.fromTopicArn(stack, 'Topic', TOPIC) }),
  ],
  [{ KmsKeyArn: KEY }, (stack) => ({ encryptionKey: Key.fromKeyArn(stack, 'Key', KEY) })],
  [
    { KmsKeyArn: KEY, DeadLetterQueue: 'true' },
    (stack) => ({ encryptionKey: Key.fromKeyArn(stack, 'Key', KEY), deadLetterQueueEnabled: true }),
  ],
  // The visibility timeout of the template is always that of the longest timeout.
  [{ Delivery: 'queue', Timeout: '1800' }, () => ({ queue: true, timeout: Duration.minutes(30) })],
  [
    {
      Delivery: 'queue',
      Timeout: '1800',
      QueueMaxConcurrency: '50',
      AlarmTopicArn: TOPIC,
      KmsKeyArn: KEY,
    },
    (stack) => ({
      queue: true,
      maxConcurrency: 50,
      timeout: Duration.minutes(30),
      deadLetterQueueEnabled: true,
      alarmTopic: Topic.fromTopicArn(stack, 'Topic', TOPIC),
      encryptionKey: Key.fromKeyArn(stack, 'Key', KEY),
    }),
  ],
  [{ SubnetIds: 'subnet-0a1b2c3d,subnet-1a1b2c3d', SecurityGroupIds: 'sg-0a1b2c3d,sg-1a1b2c3d' }, inVpc],
  [
    {
      LogRetentionDays: '7',
      AlarmTopicArn: TOPIC,
      KmsKeyArn: KEY,
      SubnetIds: 'subnet-0a1b2c3d,subnet-1a1b2c3d',
      SecurityGroupIds: 'sg-0a1b2c3d,sg-1a1b2c3d',
    },
    (stack) => ({
      ...inVpc(stack),
      logRetention: RetentionDays.ONE_WEEK,
      deadLetterQueueEnabled: true,
      alarmTopic: Topic.fromTopicArn(stack, 'Topic', TOPIC),
      encryptionKey: Key.fromKeyArn(stack, 'Key', KEY),
    }),
  ],
];

function inVpc(stack: Stack): SociIndexBuilderProps {
  const groups = ['sg-0a1b2c3d', 'sg-1a1b2c3d'].map((id) => SecurityGroup.fromSecurityGroupId(stack, id, id));
  const privateSubnetIds = ['subnet-0a1b2c3d', 'subnet-1a1b2c3d'];
  const availabilityZones = ['a', 'b'];
  return {
    vpc: Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones, privateSubnetIds }),
    securityGroups: groups,
  };
}

describe('the plain template creates the resources of the construct', () => {
  it.each(CASES)('with %j', (parameters, props) => {
    const template = evaluateTemplate(plain, parameters);
    const construct = evaluateTemplate(synthesize(props));
    expect(comparable(template)).toEqual(comparable(construct));
  });
});

describe('cdk deploy creates the resources of the construct', () => {
  it.each(CASES)('with the context values for %j', (parameters, props) => {
    const names = new Map(Object.entries(CONTEXT_VALUES).map(([name, { parameter }]) => [parameter, name]));
    const values = Object.entries(parameters).map(([parameter, value]) => [names.get(parameter), value]);
    const app = new App({ analyticsReporting: false, context: Object.fromEntries(values) });
    const construct = new SociIndexBuilderStack(new App({ analyticsReporting: false }), 'Soci', { props });
    expect(templateOf(stackFromContext(app))).toEqual(templateOf(construct));
  });
});

function templateOf(stack: Stack): Template {
  const { artifactId } = stack;
  return (stack.node.root as App).synth().getStackArtifact(artifactId).template as Template;
}

/** Returns the template of the CDK stack. Its logical ids are those of the plain template. */
function synthesize(props: (stack: Stack) => SociIndexBuilderProps): Template {
  const app = new App({ analyticsReporting: false });
  const stack = new SociIndexBuilderStack(app, 'SociIndexBuilder', {
    parameters: (scope) => {
      const filters = new CfnParameter(scope, 'Filters', { type: 'CommaDelimitedList', default: '*:*' }).valueAsList;
      return { props: { ...DEFAULTS, filters, ...props(scope) }, apply: () => {} };
    },
  });
  return templateOf(stack);
}

/**
 * Returns resources without the differences that are intended: the plain template has other code locations, names the default
 * for stored profiles, and has the permissions for optional settings in the roles instead of their default policies.
 */
function comparable(resources: Readonly<Record<string, Resource>>): Record<string, Resource> {
  const statements = new Map<string, unknown[]>();
  const kept: [string, Resource][] = [];
  for (const [id, { Type, Properties = {} }] of Object.entries(resources)) {
    const { Code: _, Policies, Environment, ...others } = Properties as Properties;
    const { soci_use_stored_profile: __, soci_queue_url: queueUrl, ...rest } = Environment?.Variables ?? {};
    // An empty variable counts as unset.
    const variables = queueUrl === '' ? rest : { ...rest, soci_queue_url: queueUrl };
    if (Type === 'AWS::IAM::Policy' && id.includes('DefaultPolicy')) {
      const [{ Ref: role } = { Ref: '' }] = others.Roles ?? [];
      statements.set(role, others.PolicyDocument?.Statement ?? []);
      continue;
    }
    if (Policies !== undefined)
      statements.set(
        id,
        Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
      );
    kept.push([id, { Type, Properties: { ...others, ...(Environment && { Environment: variables }) } }]);
  }
  return Object.fromEntries(
    kept.map(([id, { Type, Properties }]) => [
      id,
      { Type, Properties: { ...Properties, ...(statements.has(id) && { statements: statements.get(id) }) } },
    ]),
  );
}

interface PolicyDocument {
  readonly Statement: unknown[];
}

interface Properties extends Readonly<Record<string, unknown>> {
  readonly Environment?: { readonly Variables: Readonly<Record<string, unknown>> };
  readonly Policies?: readonly { readonly PolicyDocument: PolicyDocument }[];
  readonly PolicyDocument?: PolicyDocument;
  readonly Roles?: readonly { readonly Ref: string }[];
}
