import { App, CfnParameter, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Annotations as AnnotationsOf, Match, Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { serializeTemplate } from './fixtures/serialize-template';
import { SociIndexBuilder, type SociIndexBuilderProps, SociIndexVersion, SociRecompression } from './index';

const ENV = { account: '123456789012', region: 'eu-west-1' };

/** Feature flags that `cdk init` sets. */
const FLAGS: Record<string, unknown> = require('aws-cdk-lib/recommended-feature-flags.json');

function newStack(id = 'Stack'): Stack {
  return new Stack(new App(), id, { env: ENV });
}

/** Returns the template of a stack with one builder. */
function templateOf(props?: SociIndexBuilderProps | ((stack: Stack) => SociIndexBuilderProps)): Template {
  const stack = newStack();
  new SociIndexBuilder(stack, 'Soci', typeof props === 'function' ? props(stack) : props);
  return Template.fromStack(stack);
}

const environmentOf = (template: Template, description: string) => {
  const functions = template.findResources('AWS::Lambda::Function', {
    Properties: { Description: Match.stringLikeRegexp(description) },
  });
  return Object.values(functions)[0]?.Properties.Environment.Variables;
};
const filterOf = (template: Template) => environmentOf(template, '^Compares');
const generatorOf = (template: Template) => environmentOf(template, '^Builds');

const REPOSITORY_ACTIONS = Match.arrayWith(['ecr:BatchGetImage', 'ecr:PutImage']);
const allowRepositories = (resources: unknown) =>
  Match.objectLike({
    PolicyDocument: { Statement: [Match.objectLike({ Action: REPOSITORY_ACTIONS, Resource: resources })] },
  });
const arnOf = (name: string) => ({
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:ecr:eu-west-1:123456789012:repository/${name}`]],
});

describe('without properties', () => {
  const template = templateOf();

  it('matches the snapshot', async () => {
    await expect(serializeTemplate(template)).toMatchFileSnapshot('./fixtures/soci-index-builder.json');
  });

  it('creates one rule, two functions and a role for each function', () => {
    const kinds = Object.values(template.toJSON().Resources as Record<string, { Type: string }>).map(
      ({ Type }) => Type,
    );
    expect(kinds.sort()).toEqual([
      'AWS::Events::Rule',
      'AWS::IAM::Policy',
      'AWS::IAM::Policy',
      'AWS::IAM::Policy',
      'AWS::IAM::Policy',
      'AWS::IAM::Policy',
      'AWS::IAM::Role',
      'AWS::IAM::Role',
      'AWS::Lambda::Function',
      'AWS::Lambda::Function',
      'AWS::Lambda::Permission',
    ]);
  });

  it('indexes every tagged image, with version 2', () => {
    expect(filterOf(template)).toMatchObject({
      soci_repository_image_tag_filters: '*:*',
      soci_output_tag: '{tag}-soci',
      soci_event_kinds: 'push',
      soci_index_untagged: 'false',
      soci_index_generator_lambda_arn: { 'Fn::GetAtt': [expect.stringMatching(/SociIndexGeneratorLambda/), 'Arn'] },
    });
    expect(generatorOf(template)).toMatchObject({ soci_index_version: 'V2', soci_output_tag: '{tag}-soci' });
    template.hasResourceProperties('AWS::IAM::Policy', allowRepositories(arnOf('*')));
  });

  it('gives the generator one vCPU, 15 minutes and no ephemeral storage', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      MemorySize: 1769,
      Timeout: 900,
      EphemeralStorage: Match.absent(),
    });
  });

  it('gives the generator up to 30 minutes', () => {
    templateOf({ timeout: Duration.minutes(30) }).hasResourceProperties('AWS::Lambda::Function', { Timeout: 1800 });
  });

  it('indexes images of member accounts, in the repositories that the filters name', () => {
    const memberAccounts = ['111122223333'];
    const members = templateOf({ filters: ['app:*'], memberAccounts });
    members.allResourcesProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ soci_member_accounts: '111122223333' }) },
    });
    const arns = Object.values(members.findResources('AWS::IAM::Policy'))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => Action.includes('ecr:PutImage'))
      .flatMap(({ Resource }) => Resource);
    expect(arns).toHaveLength(2);
    expect(JSON.stringify(arns[1])).toContain(':111122223333:repository/app');
  });

  it('rejects an account id that is not one', () => {
    const make = () => templateOf({ memberAccounts: ['1111'] });
    expect(make).toThrow('memberAccounts: "1111" is not an account id: use 12 digits');
  });

  it('returns the policy that repositories of member accounts need', () => {
    const stack = new Stack(new App(), 'Central');
    const policy = new SociIndexBuilder(stack, 'Soci').memberRepositoryPolicy();
    expect(stack.resolve(policy)).toMatchObject({
      Statement: [
        {
          Sid: 'SociIndexBuilder',
          Effect: 'Allow',
          Principal: { AWS: { 'Fn::GetAtt': [expect.stringContaining('SociIndexGeneratorLambdaRole'), 'Arn'] } },
          Action: expect.arrayContaining(['ecr:BatchGetImage', 'ecr:PutImage', 'ecr:ListImages']),
        },
      ],
    });
    expect(stack.resolve(policy).Statement[0]).not.toHaveProperty('Resource');
  });

  it('listens on the event bus of member accounts', () => {
    const stack = new Stack(new App(), 'Central');
    const pushEventBus = EventBus.fromEventBusName(stack, 'Bus', 'pushes');
    new SociIndexBuilder(stack, 'Soci', { memberAccounts: ['111122223333'], pushEventBus });
    Template.fromStack(stack).hasResourceProperties('AWS::Events::Rule', { EventBusName: 'pushes' });
  });

  it('matches only pushes of images', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      Name: Match.absent(),
      EventPattern: {
        source: ['aws.ecr'],
        'detail-type': ['ECR Image Action'],
        detail: {
          'action-type': ['PUSH'],
          result: ['SUCCESS'],
          'image-tag': [{ 'anything-but': '' }],
          'artifact-media-type': Match.arrayWith([{ exists: false }]),
        },
      },
    });
  });

  it('grants only the permissions that the functions need', () => {
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
    const wide = statements.filter(({ Resource }) => Resource === '*');
    expect(wide.map(({ Action }) => Action)).toEqual(['ecr:GetAuthorizationToken']);
    expect(statements.flatMap(({ Action }) => Action).sort()).toEqual([
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchGetImage',
      'ecr:CompleteLayerUpload',
      'ecr:DescribeImages',
      'ecr:GetAuthorizationToken',
      'ecr:GetDownloadUrlForLayer',
      'ecr:InitiateLayerUpload',
      'ecr:ListImages',
      'ecr:PutImage',
      'ecr:UploadLayerPart',
      'lambda:InvokeFunction',
      'logs:CreateLogGroup',
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'logs:PutLogEvents',
    ]);
  });
});

describe('image selection', () => {
  it('converts literal filters to resources of the policy', () => {
    const template = templateOf({ filters: ['prod*:latest', 'prod/app:*', 'dev-[0-9]:*', '!*:*-test'] });
    expect(filterOf(template).soci_repository_image_tag_filters).toBe('prod*:latest,prod/app:*,dev-[0-9]:*,!*:*-test');
    template.hasResourceProperties('AWS::IAM::Policy', allowRepositories([arnOf('prod*'), arnOf('dev-?')]));
    template.resourceCountIs('Custom::SociRepositoryNames', 0);
  });

  it('resolves filters of a parameter with a custom resource', () => {
    const template = templateOf((stack) => ({
      filters: new CfnParameter(stack, 'Filters', { type: 'CommaDelimitedList', default: '*:*' }).valueAsList,
    }));
    const joined = { 'Fn::Join': [',', { Ref: 'Filters' }] };
    expect(filterOf(template).soci_repository_image_tag_filters).toEqual(joined);
    template.hasResourceProperties('Custom::SociRepositoryNames', { filters: joined, prefix: arnOf('') });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Code: { ZipFile: Match.stringLikeRegexp('repository_arns') },
    });
    const [names] = Object.keys(template.findResources('Custom::SociRepositoryNames'));
    template.hasResourceProperties('AWS::IAM::Policy', allowRepositories({ 'Fn::GetAtt': [names, 'repository_arns'] }));
  });

  it('limits rule and role to the given repositories', () => {
    const template = templateOf((stack) => ({
      repositories: [
        new Repository(stack, 'Own', { removalPolicy: RemovalPolicy.DESTROY }),
        Repository.fromRepositoryName(stack, 'Other', 'team/app'),
      ],
    }));
    const [own] = Object.keys(template.findResources('AWS::ECR::Repository'));
    expect(filterOf(template).soci_repository_image_tag_filters).toEqual({
      'Fn::Join': [',', [{ 'Fn::Join': ['', [{ Ref: own }, ':*']] }, 'team/app:*']],
    });
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { detail: { 'repository-name': [{ Ref: own }, 'team/app'] } },
    });
    template.hasResourceProperties(
      'AWS::IAM::Policy',
      allowRepositories(Match.arrayWith([{ 'Fn::GetAtt': [own, 'Arn'] }])),
    );
    template.resourceCountIs('Custom::SociRepositoryNames', 0);
  });

  it('includes replicated images and images from a pull-through cache', () => {
    const template = templateOf({ replicatedImages: true, cachedImages: true });
    expect(filterOf(template).soci_event_kinds).toBe('push,replication,pull-through-cache');
    expect(generatorOf(template).soci_event_kinds).toBe('push,replication,pull-through-cache');
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        'detail-type': ['ECR Image Action', 'ECR Replication Action', 'ECR Pull Through Cache Action'],
        detail: { $or: [{}, {}] },
      },
    });
  });

  it('includes untagged images', () => {
    const template = templateOf({ untaggedImages: true, outputTag: 'soci-{digest12}' });
    expect(filterOf(template)).toMatchObject({ soci_index_untagged: 'true', soci_output_tag: 'soci-{digest12}' });
    template.hasResourceProperties('AWS::Events::Rule', { EventPattern: { detail: { 'image-tag': Match.absent() } } });
  });
});

describe('options', () => {
  it('uses no output tag for version 1', () => {
    const template = templateOf({ indexVersion: SociIndexVersion.V1 });
    expect(generatorOf(template)).toMatchObject({ soci_index_version: 'V1', soci_output_tag: 'none' });
    expect(filterOf(template).soci_output_tag).toBe('none');
  });

  it('sets sizes, memory, timeout, concurrency and tracing', () => {
    const template = templateOf({
      minLayerSize: Size.mebibytes(1),
      spanSize: Size.kibibytes(512),
      memorySize: 3538,
      timeout: Duration.minutes(5),
      reservedConcurrentExecutions: 3,
      tracing: Tracing.ACTIVE,
    });
    expect(generatorOf(template)).toMatchObject({ soci_min_layer_size: '1048576', soci_span_size: '524288' });
    template.hasResourceProperties('AWS::Lambda::Function', {
      MemorySize: 3538,
      Timeout: 300,
      ReservedConcurrentExecutions: 3,
      TracingConfig: { Mode: 'Active' },
    });
  });

  it('deletes log groups with a retention together with the stack', () => {
    const template = templateOf({ logRetention: RetentionDays.ONE_MONTH });
    template.resourceCountIs('AWS::Logs::LogGroup', 2);
    template.allResources('AWS::Logs::LogGroup', {
      // A fixed name could collide with a log group that Lambda created.
      Properties: { RetentionInDays: 30, LogGroupName: Match.absent() },
      DeletionPolicy: 'Delete',
    });
    template.allResourcesProperties('AWS::Lambda::Function', { LoggingConfig: { LogGroup: Match.anyValue() } });
    expect(JSON.stringify(template.toJSON())).not.toContain('logs:CreateLogGroup');
  });

  it.each([undefined, RetentionDays.ONE_DAY])(
    'creates one log group for each function with the feature flags of cdk init, for logRetention %s',
    (logRetention) => {
      const stack = new Stack(new App({ context: FLAGS }), 'Stack', { env: ENV });
      const filters = new CfnParameter(stack, 'Filters', { type: 'CommaDelimitedList' }).valueAsList;
      new SociIndexBuilder(stack, 'Soci', { filters, logRetention });
      const template = Template.fromStack(stack);
      template.resourceCountIs('AWS::Lambda::Function', 3);
      template.resourceCountIs('AWS::Logs::LogGroup', 3);
      expect(JSON.stringify(template.toJSON())).not.toContain('logs:CreateLogGroup');
    },
  );

  it('sets the permissions boundary on every role', () => {
    const template = templateOf((stack) => ({
      permissionsBoundary: ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'),
      filters: [new CfnParameter(stack, 'Filter').valueAsString],
    }));
    const roles = Object.values(template.findResources('AWS::IAM::Role'));
    expect(roles).toHaveLength(3);
    for (const { Properties } of roles)
      expect(JSON.stringify(Properties.PermissionsBoundary)).toContain('policy/boundary');
  });

  it('encrypts environments and the queue with the key', () => {
    const template = templateOf((stack) => ({ encryptionKey: new Key(stack, 'Key'), deadLetterQueueEnabled: true }));
    for (const { Properties } of Object.values(template.findResources('AWS::Lambda::Function'))) {
      expect(Properties.KmsKeyArn).toBeDefined();
    }
    template.hasResourceProperties('AWS::SQS::Queue', { KmsMasterKeyId: Match.anyValue() });
    const policies = Object.values(template.findResources('AWS::IAM::Policy')).map(({ Properties }) => Properties);
    const mayDecrypt = policies.filter(({ PolicyDocument }) => JSON.stringify(PolicyDocument).includes('kms:Decrypt'));
    expect(mayDecrypt).toHaveLength(2);
    for (const { PolicyDocument } of mayDecrypt) {
      expect(JSON.stringify(PolicyDocument)).toContain('kms:GenerateDataKey');
    }
    // The rule writes to the queue without a role.
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: 'events.amazonaws.com' },
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      },
    });
  });

  it('warns about the missing statement in the policy of an imported key', () => {
    const stack = newStack();
    const encryptionKey = Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:123456789012:key/1');
    new SociIndexBuilder(stack, 'Soci', { encryptionKey, deadLetterQueueEnabled: true });
    const warning = Match.stringLikeRegexp('must allow events.amazonaws.com kms:Decrypt and kms:GenerateDataKey');
    AnnotationsOf.fromStack(stack).hasWarning('/Stack/Soci', warning);
  });

  it('encrypts only environments if there is no queue', () => {
    const template = templateOf((stack) => ({ encryptionKey: new Key(stack, 'Key') }));
    expect(JSON.stringify(template.toJSON())).not.toMatch(/GenerateDataKey(?!\*)/);
  });

  it('runs in a VPC with the necessary permissions', () => {
    const template = templateOf((stack) => ({ vpc: new Vpc(stack, 'Vpc', { maxAzs: 2 }) }));
    template.hasResourceProperties('AWS::Lambda::Function', { VpcConfig: { SubnetIds: Match.anyValue() } });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Action: Match.arrayWith(['ec2:CreateNetworkInterface']) })]),
      },
    });
  });

  it('creates a dead-letter queue, and alarms that notify a topic', () => {
    const template = templateOf((stack) => ({ deadLetterQueueEnabled: true, alarmTopic: new Topic(stack, 'Topic') }));
    template.allResourcesProperties('AWS::Lambda::Function', { DeadLetterConfig: { TargetArn: Match.anyValue() } });
    template.hasResourceProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ DeadLetterConfig: Match.anyValue() })],
    });
    template.resourceCountIs('AWS::CloudWatch::Alarm', 2);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'SociIndexBuilder',
      MetricName: 'Failed',
      Dimensions: [{ Name: 'service', Value: { 'Fn::Join': ['', [{ Ref: 'AWS::StackName' }, '/Soci']] } }],
      AlarmActions: [Match.anyValue()],
    });
  });

  it('watches errors of the functions without a queue', () => {
    const template = templateOf({ alarms: true });
    template.resourceCountIs('AWS::CloudWatch::Alarm', 2);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Threshold: 3,
      Metrics: Match.arrayWith([Match.objectLike({ Expression: 'filter + generator' })]),
    });
  });

  it('creates a dashboard', () => templateOf({ dashboard: true }).resourceCountIs('AWS::CloudWatch::Dashboard', 1));

  it.each([
    [SociRecompression.ZSTD, 'zstd'],
    [SociRecompression.ZSTD_AND_TAR, 'zstd,tar'],
    [SociRecompression.of('none'), 'none'],
  ])('recompresses with %j', (recompress, value) => {
    expect(generatorOf(templateOf({ recompress })).soci_recompress).toBe(value);
    expect(generatorOf(templateOf({})).soci_recompress).toBeUndefined();
  });

  it('follows profiles with autoSpanSize and useStoredProfile', () => {
    expect(generatorOf(templateOf({ autoSpanSize: true })).soci_span_size).toBe('auto');
    expect(generatorOf(templateOf({ useStoredProfile: true })).soci_use_stored_profile).toBe('true');
    for (const props of [{}, { autoSpanSize: false, useStoredProfile: false }]) {
      const environment = generatorOf(templateOf(props));
      expect(environment).not.toHaveProperty('soci_span_size');
      expect(environment).not.toHaveProperty('soci_use_stored_profile');
    }
  });

  it('sends events to the event bus', () => {
    const template = templateOf((stack) => ({ eventBus: new EventBus(stack, 'Bus') }));
    expect(generatorOf(template).soci_event_bus).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Bus/), 'Arn'] });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Action: 'events:PutEvents' })]) },
    });
  });
});

describe('with a queue', () => {
  const template = templateOf({ queue: true });
  /** Logical ids of a type, of which one starts with `prefix`. */
  const idOf = (of: Template, type: string, prefix: string) =>
    Object.keys(of.findResources(type)).find((id) => id.startsWith(prefix)) as string;
  const work = idOf(template, 'AWS::SQS::Queue', 'SociWorkQueue');
  const failed = idOf(template, 'AWS::SQS::Queue', 'SociWorkDeadLetterQueue');

  it('keeps events for 14 days, for six times the timeout of the generator, and moves them after five attempts', () => {
    template.resourceCountIs('AWS::SQS::Queue', 2);
    template.allResourcesProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 1_209_600,
      SqsManagedSseEnabled: true,
    });
    const five = { deadLetterTargetArn: { 'Fn::GetAtt': [failed, 'Arn'] }, maxReceiveCount: 5 };
    template.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 5400, RedrivePolicy: five });
    const short = templateOf({ queue: true, timeout: Duration.minutes(2) });
    short.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 720 });
    const token = templateOf((stack) => ({
      queue: true,
      timeout: Duration.seconds(new CfnParameter(stack, 'Timeout', { type: 'Number' }).valueAsNumber),
    }));
    token.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 10_800 });
  });

  it('invokes the generator with one event at a time, 10 at the same time', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [work, 'Arn'] },
      BatchSize: 1,
      ScalingConfig: { MaximumConcurrency: 10 },
    });
    const many = templateOf({ queue: true, maxConcurrency: 100, reservedConcurrentExecutions: 100 });
    many.hasResourceProperties('AWS::Lambda::EventSourceMapping', { ScalingConfig: { MaximumConcurrency: 100 } });
  });

  it('tells the functions the URL of the queue', () => {
    expect(filterOf(template).soci_queue_url).toEqual({ Ref: work });
    expect(generatorOf(template).soci_queue_url).toEqual({ Ref: work });
    expect(filterOf(templateOf())).not.toHaveProperty('soci_queue_url');
  });

  it('lets the filter only send to the queue, and the generator only receive from it', () => {
    const all = Object.values(template.findResources('AWS::IAM::Policy')).map(({ Properties }) => Properties);
    const statements = all.flatMap(({ PolicyDocument, Roles }) =>
      PolicyDocument.Statement.map(({ Action, Resource }: { Action: string | string[]; Resource: unknown }) => ({
        role: Roles[0].Ref.replace(/^Soci(.*)Role.*$/, '$1'),
        actions: [Action].flat().filter((action) => /^(sqs|lambda):/.test(action)),
        on: JSON.stringify(Resource),
      })),
    );
    expect(statements.filter(({ actions }) => actions.length > 0)).toEqual([
      {
        role: 'ECRImageActionEventFilteringLambda',
        actions: ['sqs:SendMessage'],
        on: `{"Fn::GetAtt":["${work}","Arn"]}`,
      },
      {
        role: 'SociIndexGeneratorLambda',
        actions: ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
        on: `{"Fn::GetAtt":["${work}","Arn"]}`,
      },
    ]);
  });

  it('allows only connections with TLS to both queues', () => {
    template.resourceCountIs('AWS::SQS::QueuePolicy', 2);
    template.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    });
  });

  it('creates permissions before the functions use them', () => {
    const functions = template.findResources('AWS::Lambda::Function', { Properties: { MemorySize: 256 } });
    const maySend = idOf(template, 'AWS::IAM::Policy', 'SociECRImageActionEventFilteringLambdaSendMessagePolicy');
    expect(Object.values(functions)[0]?.DependsOn).toContain(maySend);
    const [mapping] = Object.values(template.findResources('AWS::Lambda::EventSourceMapping'));
    const mayReceive = idOf(template, 'AWS::IAM::Policy', 'SociSociIndexGeneratorLambdaReceiveMessagePolicy');
    expect(mapping?.DependsOn).toContain(mayReceive);
  });

  it('keeps the queues and what empties them when the queue is removed', () => {
    const kept = ['AWS::SQS::Queue', 'AWS::SQS::QueuePolicy', 'AWS::Lambda::EventSourceMapping'];
    for (const type of kept) {
      template.allResources(type, { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
    }
    // The policy of the role is removed with the queue. That of the queue remains.
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: Match.arrayWith(['sqs:DeleteMessage', 'sqs:ReceiveMessage']),
            Principal: { AWS: { 'Fn::GetAtt': [Match.stringLikeRegexp('SociIndexGeneratorLambdaRole'), 'Arn'] } },
          }),
        ]),
      },
    });
  });

  it('watches the age of its events, and its dead-letter queue', () => {
    template.resourceCountIs('AWS::CloudWatch::Alarm', 2);
    const alarm = (MetricName: string, Threshold: number, queue: string) =>
      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        MetricName,
        Threshold,
        Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue, 'QueueName'] } }],
      });
    alarm('ApproximateAgeOfOldestMessage', 3600, work);
    alarm('ApproximateNumberOfMessagesVisible', 1, failed);
    templateOf({ queue: true, alarms: false }).resourceCountIs('AWS::CloudWatch::Alarm', 0);
    const all = templateOf((stack) => ({ queue: true, alarmTopic: new Topic(stack, 'Topic') }));
    all.resourceCountIs('AWS::CloudWatch::Alarm', 4);
    all.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [Match.anyValue()] });
  });

  it('encrypts it with the key, which the filter may then use', () => {
    const encrypted = templateOf((stack) => ({ queue: true, encryptionKey: new Key(stack, 'Key') }));
    encrypted.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: Match.anyValue() });
    encrypted.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'] })]),
      },
      Roles: [{ Ref: Match.stringLikeRegexp('EventFilteringLambdaRole') }],
    });
  });

  it('has another dead-letter queue than the functions', () => {
    const both = templateOf({ queue: true, deadLetterQueueEnabled: true });
    both.resourceCountIs('AWS::SQS::Queue', 3);
    both.allResourcesProperties('AWS::Lambda::Function', {
      DeadLetterConfig: { TargetArn: { 'Fn::GetAtt': [idOf(both, 'AWS::SQS::Queue', 'SociDeadLetterQueue'), 'Arn'] } },
    });
  });

  it('exposes the queue', () => {
    const stack = newStack();
    const { queue } = new SociIndexBuilder(stack, 'Soci', { queue: true });
    expect(queue?.deadLetterQueue?.maxReceiveCount).toBe(5);
    expect(new SociIndexBuilder(stack, 'Other').queue).toBeUndefined();
  });
});

describe('rejects with the construct, the value and the solution', () => {
  const one = (stack: Stack, account: string, region = 'eu-west-1') =>
    Repository.fromRepositoryArn(stack, `${account}-${region}`, `arn:aws:ecr:${region}:${account}:repository/app`);

  it.each<[string, SociIndexBuilderProps | ((stack: Stack) => SociIndexBuilderProps), string]>([
    ['a filter without a tag', { filters: ['app'] }, 'Stack/Soci: filters: element 0, "app": invalid filters'],
    ['an upper-case repository', { filters: ['app:*', 'App:*'] }, 'filters: element 1, "App:*": invalid filters'],
    ['an upper-case exclusion', { filters: ['app:*', '!App:*'] }, 'filters: element 1, "!App:*": invalid filters'],
    ['only exclusions', { filters: ['!app:*'] }, 'filters: invalid filters'],
    ['no filters', { filters: [] }, 'filters: the list is empty: omit it or use *:* to index all images'],
    ['an empty filter', { filters: [''] }, 'the filter is empty'],
    ['no repositories', { repositories: [] }, 'repositories: the list is empty'],
    [
      'too many filters for a policy',
      { filters: Array.from({ length: 130 }, (_, i) => `team/app-${i}:*`) },
      'the maximum for a role is 10240. Use wildcards',
    ],
    [
      'too many exclusions for a function',
      { filters: ['*:*', ...Array.from({ length: 150 }, (_, i) => `!team/application-${i}:*`)] },
      'filters: the filters have 3493 characters: the maximum is 3396. Use wildcards',
    ],
    [
      'too many repositories for a rule',
      (stack) => ({
        repositories: Array.from({ length: 115 }, (_, i) =>
          Repository.fromRepositoryName(stack, `${i}`, `team/app-${i}`),
        ),
      }),
      'the maximum is 2048. Use filters with wildcards',
    ],
    ['too little memory', { memorySize: 128 }, 'memorySize: 128 is not between 256 and 10240 MB'],
    ['too much memory', { memorySize: 10_241 }, 'memorySize: 10241 is not'],
    ['a short timeout', { timeout: Duration.seconds(29) }, 'timeout: 29 is not between 30 and 1800 seconds'],
    ['a long timeout', { timeout: Duration.hours(1) }, 'timeout: 3600 is not between 30 and 1800 seconds'],
    [
      'no concurrency',
      { reservedConcurrentExecutions: 0 },
      'reservedConcurrentExecutions: 0 is not between 1 and 1000 invocations',
    ],
    ['one concurrent image', { queue: true, maxConcurrency: 1 }, 'maxConcurrency: 1 is not between 2 and 1000'],
    [
      'a concurrency without a queue',
      { maxConcurrency: 5 },
      'maxConcurrency: it limits the images from the queue: set queue to true, or omit maxConcurrency',
    ],
    [
      'more images from the queue than the reserved concurrency',
      { queue: true, reservedConcurrentExecutions: 5 },
      'maxConcurrency: 10 exceeds reservedConcurrentExecutions, 5: Lambda would throttle events',
    ],
    [
      'an output tag that overwrites the tag of the image',
      { outputTag: '{tag}' },
      'outputTag: "{tag}" would overwrite the tag',
    ],
    ['an output tag without a placeholder', { outputTag: 'soci' }, 'every image would get the same tag'],
    [
      'an unknown version',
      { indexVersion: SociIndexVersion.of('V3') },
      'indexVersion: unknown version V3: use V1 or V2',
    ],
    [
      'a permissions boundary of another partition',
      (stack) => ({
        permissionsBoundary: ManagedPolicy.fromManagedPolicyArn(stack, 'B', 'arn:aws-cn:iam::123456789012:policy/b'),
      }),
      'permissionsBoundary: arn:aws-cn:iam::123456789012:policy/b is in the partition aws-cn, but eu-west-1 is in aws',
    ],
    [
      'untagged images with an output tag that needs a tag',
      { untaggedImages: true },
      'untaggedImages: outputTag {tag}-soci needs a tag',
    ],
    [
      'a repository of another account',
      (stack) => ({ repositories: [one(stack, '210987654321')] }),
      'app belongs to account 210987654321',
    ],
    [
      'a repository of another Region',
      (stack) => ({ repositories: [one(stack, '123456789012', 'us-east-1')] }),
      'app is in us-east-1: deploy this construct to that Region',
    ],
    [
      'a repository that no filter matches',
      (stack) => ({ filters: ['prod/*:*'], repositories: [one(stack, '123456789012')] }),
      'filters: no filter matches the repository app: change the filters, or remove the repository',
    ],
    [
      'filters that exclude everything',
      { filters: ['prod:*', '!pro*:*'] },
      '!pro*:*,!*:*-soci excludes everything that the filters include',
    ],
    ['filters for output tags', { filters: ['*:*-soci'] }, 'no image would be indexed'],
    [
      'filters that exclude all images of a repository',
      (stack) => ({ filters: ['app:*', '!app:*'], repositories: [one(stack, '123456789012')] }),
      'no image would be indexed',
    ],
    [
      'recompression with version 1',
      { recompress: SociRecompression.ZSTD, indexVersion: SociIndexVersion.V1 },
      'Stack/Soci: recompress: indexVersion V1 does not change layers: use V2, or omit recompress',
    ],
    [
      'an unknown recompression',
      { recompress: SociRecompression.of('gzip') },
      'recompress: unknown value gzip: use zstd, zstd,tar or none',
    ],
    ['an empty span', { spanSize: Size.bytes(0) }, 'spanSize: 0 is not between 1 and 1099511627776 bytes'],
    [
      'two span sizes',
      { spanSize: Size.mebibytes(1), autoSpanSize: true },
      'autoSpanSize: spanSize fixes the size of all spans: remove one of them',
    ],
    [
      'a fixed span size with a stored profile',
      { spanSize: Size.mebibytes(1), useStoredProfile: true },
      'useStoredProfile: spanSize fixes the size of all spans: remove one of them',
    ],
    [
      'a layer size beyond the maximum',
      { minLayerSize: Size.tebibytes(2) },
      'minLayerSize: 2199023255552 is not between 0',
    ],
    [
      'a FIFO queue',
      (stack) => ({ deadLetterQueue: new Queue(stack, 'Fifo', { fifo: true }) }),
      'deadLetterQueue: it is a FIFO queue',
    ],
    [
      'a topic with alarms disabled',
      (stack) => ({ alarms: false, alarmTopic: new Topic(stack, 'Topic') }),
      'alarms: it is false, but alarmTopic is set',
    ],
    [
      'too many repositories with names that are tokens',
      (stack) => ({ repositories: Array.from({ length: 30 }, (_, i) => new Repository(stack, `R${i}`)) }),
      'the maximum is 2048. Use filters with wildcards',
    ],
    [
      'a queue with dead-letter queues disabled',
      (stack) => ({
        deadLetterQueueEnabled: false,
        deadLetterQueue: new SociIndexBuilder(stack, 'Q', { deadLetterQueueEnabled: true }).deadLetterQueue as never,
      }),
      'it is false, but deadLetterQueue is set',
    ],
  ])('%s', (_, props, problem) => {
    expect(() => templateOf(props)).toThrow(problem);
  });
});

it('two builders in one stack and in two stacks do not conflict', () => {
  const app = new App();
  const stacks = ['A', 'B'].map((id) => new Stack(app, id, { env: ENV }));
  for (const stack of stacks) {
    new SociIndexBuilder(stack, 'One', { filters: ['one:*'] });
    new SociIndexBuilder(stack, 'Two', { filters: ['two:*'] });
  }
  for (const stack of stacks) {
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::Lambda::Function', 4);
    // A physical name would exist twice.
    const names =
      JSON.stringify(template.toJSON()).match(/"(?:FunctionName|RoleName|QueueName|DashboardName)":/g) ?? [];
    // The permissions of the rules refer to a function in the property FunctionName.
    expect(names.filter((name) => name !== '"FunctionName":')).toEqual([]);
  }
});

it('builders with the same id in a stack have separate metrics', () => {
  const stack = newStack();
  const builders = ['A', 'B'].map((team) => new SociIndexBuilder(new Construct(stack, team), 'Soci'));
  const services = builders.map((builder) => stack.resolve(builder.metricFailed().dimensions?.service));
  expect(services).toEqual(
    ['A', 'B'].map((team) => ({ 'Fn::Join': ['', [{ Ref: 'AWS::StackName' }, `/${team}/Soci`]] })),
  );
});

it('warns about a repository of a known account in an environment-agnostic stack', () => {
  const stack = new Stack(new App(), 'Stack');
  const arn = 'arn:aws:ecr:eu-west-1:210987654321:repository/app';
  new SociIndexBuilder(stack, 'Soci', { repositories: [Repository.fromRepositoryArn(stack, 'R', arn)] });
  const warning = Match.stringLikeRegexp('app belongs to account 210987654321: deploy this stack to that account');
  AnnotationsOf.fromStack(stack).hasWarning('/Stack/Soci', warning);
});

it.each(['cn-north-1', 'us-gov-west-1', 'eusc-de-east-1'])('contains no names of another partition in %s', (region) => {
  const stack = new Stack(new App(), 'Stack', { env: { ...ENV, region } });
  new SociIndexBuilder(stack, 'Soci', {
    filters: new CfnParameter(stack, 'Filters', { type: 'CommaDelimitedList' }).valueAsList,
    vpc: new Vpc(stack, 'Vpc', { natGateways: 0 }),
    deadLetterQueueEnabled: true,
    alarms: true,
    eventBus: new EventBus(stack, 'Bus'),
    tracing: Tracing.ACTIVE,
  });
  const resources = Template.fromStack(stack).toJSON().Resources as object;
  const created = Object.entries(resources).filter(([id]) => id.startsWith('Soci'));
  expect(created.length).toBeGreaterThan(10);
  const text = JSON.stringify(created);
  expect(text).toContain('"arn:",{"Ref":"AWS::Partition"}');
  expect(text).not.toMatch(/arn:aws|amazonaws\.com(?!")/);
});

it('exposes roles, alarms, metrics and a grant', () => {
  const stack = newStack();
  const builder = new SociIndexBuilder(stack, 'Soci', { alarms: true });
  const caller = new SociIndexBuilder(stack, 'Caller');
  builder.grantIndex(caller.filterFunction);
  expect(builder.alarms).toHaveLength(2);
  expect(builder.deadLetterQueue).toBeUndefined();
  expect([builder.filterRole, builder.generatorRole]).toEqual([
    builder.filterFunction.role,
    builder.generatorFunction.role,
  ]);
  expect(
    [builder.metricIndexed(), builder.metricSkipped(), builder.metricFailed()].map(({ metricName }) => metricName),
  ).toEqual(['Indexed', 'Skipped', 'Failed']);
  expect(builder.metricIndexingTime({ statistic: 'p99' }).statistic).toBe('p99');
});
