// The stacks of the tested templates, by name.
import {
  cdk,
  createJobsStack,
  plainParameters,
  SociImagesInUse,
  SociIndexBuilder,
  SociIndexBuilderStack,
  SociIndexedImage,
  SociIndexVersion,
  SociRegistryJobs,
} from './cdk.mjs';

const { CfnOutput, CfnParameter, DefaultStackSynthesizer, Duration, Size, Stack } = cdk;

/** An Amazon ECS cluster of the account of moto. */
const CLUSTER = 'arn:aws:ecs:us-east-1:123456789012:cluster/web';

/** Functions that make a stack in an app. */
export const STACKS = {
  /** The stack of the plain template, for cdk-nag, which checks constructs. */
  plain: (app) =>
    new SociIndexBuilderStack(app, 'Plain', {
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
      parameters: plainParameters,
    }),
  /** The stack of the second plain template. */
  'plain-jobs': (app) => createJobsStack(app),
  'default-props': (app) => {
    const stack = new Stack(app, 'Default');
    new SociIndexBuilder(stack, 'Soci');
    return stack;
  },
  /** The stack of `default-props` with another delivery. */
  queued: (app) => {
    const stack = new Stack(app, 'Default');
    new SociIndexBuilder(stack, 'Soci', { queue: true });
    return stack;
  },
  'every-prop': makeEveryProp,
  'two-builders': (app) => {
    const stack = new Stack(app, 'Two');
    new SociIndexBuilder(stack, 'Releases', { filters: ['prod/*:v*', '!*:*-test'] });
    new SociIndexBuilder(stack, 'Nightly', {
      repositories: [makeRepository(stack)],
      indexVersion: SociIndexVersion.V1,
      deadLetterQueueEnabled: true,
    });
    return stack;
  },
  'indexed-images': (app) => {
    const stack = new Stack(app, 'Deployed');
    const repository = cdk.aws_ecr.Repository.fromRepositoryName(stack, 'Images', 'prod/app');
    const tag = new CfnParameter(stack, 'Tag', { default: 'v1' }).valueAsString;
    const waited = new SociIndexedImage(stack, 'Waited', { repository, tag });
    new CfnOutput(stack, 'Image', { value: waited.imageUri });
    new SociIndexedImage(stack, 'Later', { repository, tag: 'v3', wait: false, indexVersion: SociIndexVersion.V1 });
    return stack;
  },
  'registry-jobs': (app) => {
    const stack = new Stack(app, 'Jobs');
    const builder = new SociIndexBuilder(stack, 'Soci', { filters: ['prod/*:*'], minLayerSize: Size.kibibytes(1) });
    new SociRegistryJobs(stack, 'Registry', {
      builder,
      schedule: cdk.aws_events.Schedule.rate(Duration.days(1)),
      maxConcurrency: 4,
      maxImageSize: Size.gibibytes(50),
      garbageCollection: {
        clusters: [cdk.aws_ecs.Cluster.fromClusterArn(stack, 'Web', CLUSTER)],
        otherImagesInUse: SociImagesInUse.LISTED,
        olderThan: Duration.days(7),
        delete: true,
      },
    });
    return stack;
  },
};

/** A repository without findings, because the findings should be about the construct. */
function makeRepository(stack) {
  return new cdk.aws_ecr.Repository(stack, 'Images', {
    imageScanOnPush: true,
    imageTagMutability: cdk.aws_ecr.TagMutability.IMMUTABLE,
    encryption: cdk.aws_ecr.RepositoryEncryption.KMS,
  });
}

/** A stack with all properties. The filters are known only at deployment. */
function makeEveryProp(app) {
  const stack = new Stack(app, 'Every');
  const filters = new CfnParameter(stack, 'Filters', { type: 'CommaDelimitedList', default: 'prod*:*' });
  const subnets = { subnetType: cdk.aws_ec2.SubnetType.PRIVATE_ISOLATED };
  const key = new cdk.aws_kms.Key(stack, 'Key', { enableKeyRotation: true });
  const flowLog = new cdk.aws_logs.LogGroup(stack, 'FlowLog', { encryptionKey: key });
  const vpc = new cdk.aws_ec2.Vpc(stack, 'Network', {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: 'inside', ...subnets }],
    flowLogs: { all: { destination: cdk.aws_ec2.FlowLogDestination.toCloudWatchLogs(flowLog) } },
  });
  new SociIndexBuilder(stack, 'Soci', {
    filters: filters.valueAsList,
    indexVersion: SociIndexVersion.V2,
    outputTag: 'soci-{digest12}',
    minLayerSize: Size.mebibytes(1),
    spanSize: Size.mebibytes(2),
    untaggedImages: true,
    replicatedImages: true,
    cachedImages: true,
    memorySize: 3538,
    timeout: Duration.minutes(10),
    reservedConcurrentExecutions: 20,
    architecture: cdk.aws_lambda.Architecture.ARM_64,
    logRetention: cdk.aws_logs.RetentionDays.ONE_MONTH,
    permissionsBoundary: cdk.aws_iam.ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'),
    encryptionKey: key,
    vpc,
    vpcSubnets: subnets,
    securityGroups: [new cdk.aws_ec2.SecurityGroup(stack, 'Group', { vpc, description: 'The generator' })],
    deadLetterQueueEnabled: true,
    alarms: true,
    alarmTopic: new cdk.aws_sns.Topic(stack, 'Topic', { masterKey: key, enforceSSL: true }),
    dashboard: true,
    tracing: cdk.aws_lambda.Tracing.ACTIVE,
    eventBus: new cdk.aws_events.EventBus(stack, 'Bus'),
  });
  return stack;
}
