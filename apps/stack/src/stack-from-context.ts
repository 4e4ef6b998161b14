import { type SociIndexBuilderProps, SociIndexVersion, SociRecompression } from '@soci/construct';
import { type App, Duration, Size, type Stack } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { RETENTION_DAYS, TOPIC_PATTERN } from './parameters/monitoring.ts';
import { BOUNDARY_PATTERN, GROUPS_PATTERN, KEY_PATTERN, SUBNETS_PATTERN } from './parameters/security.ts';
import { SociIndexBuilderStack } from './soci-index-builder-stack.ts';

/** A context value, which corresponds to a parameter of the plain template. */
interface ContextValue {
  /** Name of the parameter with the same values. */
  readonly parameter: string;
  readonly example: string;
  /** What the value must match. The construct checks the rest. */
  readonly pattern: RegExp;
  /** Returns the properties of the construct for a value. */
  readonly props: (value: string, stack: Stack) => SociIndexBuilderProps;
}

const TEXT = /^/;
const FLAG = /^(true|false)$/;
const NUMBER = /^[0-9]+$/;
/** A number, or no limit. */
const NUMBER_OR_NONE = /^(none|[0-9]+)$/;

const flag = (parameter: string, props: () => SociIndexBuilderProps): ContextValue => ({
  parameter,
  example: 'true',
  pattern: FLAG,
  props: (value) => (value === 'true' ? props() : {}),
});

/** The context values by name, in the order of the parameters. */
export const CONTEXT_VALUES: Readonly<Record<string, ContextValue>> = {
  filters: {
    parameter: 'SociRepositoryImageTagFilters',
    example: 'prod/*:*,dev:latest',
    pattern: TEXT,
    props: (value) => ({ filters: value.split(',') }),
  },
  indexVersion: {
    parameter: 'SociIndexVersion',
    example: 'V2',
    pattern: TEXT,
    props: (value) => ({ indexVersion: SociIndexVersion.of(value) }),
  },
  outputTag: {
    parameter: 'SociOutputTag',
    example: '{tag}-soci',
    pattern: TEXT,
    props: (outputTag) => ({ outputTag }),
  },
  recompress: {
    parameter: 'SociRecompress',
    example: 'zstd',
    pattern: TEXT,
    props: (value) => ({ recompress: SociRecompression.of(value) }),
  },
  spanSize: {
    parameter: 'SociSpanSize',
    example: 'auto',
    pattern: /^(auto|[0-9]+)$/,
    props: (value) => (value === 'auto' ? { autoSpanSize: true } : { spanSize: Size.bytes(Number(value)) }),
  },
  useStoredProfile: flag('SociUseStoredProfile', () => ({ useStoredProfile: true })),
  minLayerSize: {
    parameter: 'SociMinLayerSize',
    example: '1048576',
    pattern: NUMBER,
    props: (value) => ({ minLayerSize: Size.bytes(Number(value)) }),
  },
  untaggedImages: flag('UntaggedImages', () => ({ untaggedImages: true })),
  replicatedImages: flag('ReplicatedImages', () => ({ replicatedImages: true })),
  cachedImages: flag('CachedImages', () => ({ cachedImages: true })),
  memberAccounts: {
    parameter: 'MemberAccounts',
    example: '111122223333,444455556666',
    pattern: TEXT,
    props: (value) => (value === '' ? {} : { memberAccounts: value.split(',') }),
  },
  memorySize: {
    parameter: 'MemorySize',
    example: '3538',
    pattern: NUMBER,
    props: (value) => ({ memorySize: Number(value) }),
  },
  timeout: {
    parameter: 'Timeout',
    example: '1800',
    pattern: NUMBER,
    props: (value) => ({ timeout: Duration.seconds(Number(value)) }),
  },
  architecture: {
    parameter: 'Architecture',
    example: 'arm64',
    pattern: /^(x86_64|arm64)$/,
    props: (value) => ({ architecture: Architecture.custom(value) }),
  },
  reservedConcurrency: {
    parameter: 'ReservedConcurrency',
    example: '20',
    pattern: NUMBER_OR_NONE,
    props: (value) => (value === 'none' ? {} : { reservedConcurrentExecutions: Number(value) }),
  },
  logRetentionDays: {
    parameter: 'LogRetentionDays',
    example: '30',
    pattern: new RegExp(`^(${RETENTION_DAYS.replaceAll(' ', '|')})$`),
    props: (value) => (value === '0' ? {} : { logRetention: Number(value) as RetentionDays }),
  },
  deadLetterQueue: flag('DeadLetterQueue', () => ({ deadLetterQueueEnabled: true })),
  alarms: flag('Alarms', () => ({ deadLetterQueueEnabled: true, alarms: true })),
  alarmTopicArn: {
    parameter: 'AlarmTopicArn',
    example: 'arn:aws:sns:us-east-1:123456789012:alarms',
    pattern: new RegExp(TOPIC_PATTERN),
    props: (value, stack) =>
      value === 'none'
        ? {}
        : { deadLetterQueueEnabled: true, alarms: true, alarmTopic: Topic.fromTopicArn(stack, 'Topic', value) },
  },
  delivery: {
    parameter: 'Delivery',
    example: 'queue',
    pattern: /^(async|queue)$/,
    props: (value) => ({ queue: value === 'queue' }),
  },
  queueMaxConcurrency: {
    parameter: 'QueueMaxConcurrency',
    example: '50',
    pattern: NUMBER,
    props: (value) => ({ maxConcurrency: Number(value) }),
  },
  permissionsBoundaryArn: {
    parameter: 'IamPermissionsBoundaryArn',
    example: 'arn:aws:iam::123456789012:policy/Boundary',
    pattern: new RegExp(BOUNDARY_PATTERN),
    props: (value, stack) =>
      value === 'none' ? {} : { permissionsBoundary: ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', value) },
  },
  subnetIds: {
    parameter: 'SubnetIds',
    example: 'subnet-0a1b2c3d,subnet-1a1b2c3d',
    pattern: new RegExp(SUBNETS_PATTERN),
    props: (value, stack) => (value === '' ? {} : { vpc: vpcOf(stack, value.split(',')) }),
  },
  securityGroupIds: {
    parameter: 'SecurityGroupIds',
    example: 'sg-0a1b2c3d',
    pattern: new RegExp(GROUPS_PATTERN),
    props: (value, stack) =>
      value === ''
        ? {}
        : { securityGroups: value.split(',').map((id) => SecurityGroup.fromSecurityGroupId(stack, id, id)) },
  },
  kmsKeyArn: {
    parameter: 'KmsKeyArn',
    example: 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    pattern: new RegExp(KEY_PATTERN),
    props: (value, stack) => (value === 'none' ? {} : { encryptionKey: Key.fromKeyArn(stack, 'Key', value) }),
  },
};

const STACK_NAME = 'stackName';
const DEFAULT_STACK_NAME = 'Soci';

/** Names of settings. Names of the CDK and of its plugins contain other characters. */
const SETTING_NAME = /^[A-Za-z]\w*$/;

/**
 * Creates the stack from the context of the app.
 *
 * @throws Error with an unknown name and the known ones, or with an invalid value and a valid example.
 */
export function stackFromContext(app: App): SociIndexBuilderStack {
  const context = app.node.getAllContext() as Readonly<Record<string, unknown>>;
  const names = Object.keys(CONTEXT_VALUES);
  const unknown = Object.keys(context).find(
    (name) => SETTING_NAME.test(name) && name !== STACK_NAME && !names.includes(name),
  );
  if (unknown !== undefined) {
    throw new Error(`unknown context value ${unknown}. Use one of ${[STACK_NAME, ...names].join(', ')}`);
  }
  const given = names.flatMap((name) => {
    const value = readText(name, context[name], CONTEXT_VALUES[name]?.example ?? '');
    return value === undefined ? [] : [[name, value] as const];
  });
  checkCombinations(new Map(given));
  const stackName = readText(STACK_NAME, context[STACK_NAME], DEFAULT_STACK_NAME) ?? DEFAULT_STACK_NAME;
  return new SociIndexBuilderStack(app, stackName, {
    props: (stack) => Object.assign({}, ...given.map(([name, value]) => propsOf(name, value, stack))),
  });
}

function propsOf(name: string, value: string, stack: Stack): SociIndexBuilderProps {
  const { example = '', pattern = TEXT, props } = CONTEXT_VALUES[name] ?? {};
  if (!pattern.test(value)) throw invalid(name, value, example);
  return props?.(value, stack) ?? {};
}

/** Returns a VPC with the subnets. Its id is not part of the template. */
function vpcOf(stack: Stack, privateSubnetIds: string[]) {
  const availabilityZones = privateSubnetIds.map((_, i) => `zone${i}`);
  return Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-00000000', availabilityZones, privateSubnetIds });
}

function checkCombinations(given: ReadonlyMap<string, string>): void {
  if (!given.get('subnetIds') !== !given.get('securityGroupIds')) {
    throw new Error('a VPC needs both: set the context values subnetIds and securityGroupIds, or neither');
  }
  if (given.has('queueMaxConcurrency') && given.get('delivery') !== 'queue') {
    throw new Error(
      'the context value queueMaxConcurrency limits the images from the queue: use -c delivery=queue, or omit it',
    );
  }
}

/** Converts a value to text. In cdk.json, it can also be a number, a boolean or a list of strings. */
function readText(name: string, value: unknown, example: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  throw invalid(name, value, example);
}

function invalid(name: string, value: unknown, example: string): Error {
  return new Error(
    `context value ${name} is invalid: ${JSON.stringify(value)}. Use for example -c ${name}='${example}'`,
  );
}
