import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Cluster } from 'aws-cdk-lib/aws-ecs';
import { EventBus, Schedule } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import {
  SociImagesInUse,
  SociIndexBuilder,
  SociIndexVersion,
  SociRegistryJobs,
  type SociRegistryJobsProps,
} from '../index';

/** The package has no types. */
const validate: (definition: object) => { readonly isValid: boolean; readonly errors: readonly object[] } =
  require('asl-validator');

const ENV = { account: '123456789012', region: 'eu-west-1' };

/** Returns the template of a stack with a builder and jobs. */
function templateOf(props: (stack: Stack) => SociRegistryJobsProps): Template {
  const stack = new Stack(new App(), 'Stack', { env: ENV });
  new SociRegistryJobs(stack, 'Jobs', props(stack));
  return Template.fromStack(stack);
}

const withBuilder =
  (props: SociRegistryJobsProps = {}) =>
  (stack: Stack): SociRegistryJobsProps => ({
    builder: new SociIndexBuilder(stack, 'Soci', { filters: ['prod/*:*'], outputTag: '{tag}.soci' }),
    ...props,
  });

interface Resource {
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** Returns the definition as Step Functions gets it, with invented values for references. */
function definitionOf(template: Template): string {
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine')) as Resource[];
  if (machine === undefined) throw new Error('the template has no state machine');
  const { 'Fn::Join': join } = machine.Properties.DefinitionString as { 'Fn::Join': [string, unknown[]] };
  const values: Record<string, string> = { 'AWS::Partition': 'aws' };
  return join[1]
    .map((part) => {
      if (typeof part === 'string') return part;
      const { Ref, 'Fn::GetAtt': attribute } = part as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
      return attribute === undefined
        ? (values[Ref ?? ''] ?? `name-of-${Ref}`)
        : `arn:aws:lambda:eu-west-1:123456789012:function:${attribute[0]}`;
    })
    .join('');
}

const environmentOf = (template: Template, handler: string) => {
  const functions = template.findResources('AWS::Lambda::Function', { Properties: { Handler: handler } });
  return Object.values(functions)[0]?.Properties.Environment.Variables;
};

/** Returns the actions that the role of a function or state machine allows, without those for logs. */
function actionsOf(template: Template, id: string): string[] {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([name]) => name.startsWith(id));
  return policies.flatMap(([, { Properties }]) =>
    (Properties.PolicyDocument.Statement as { Action: string | string[] }[]).flatMap(({ Action }) => Action),
  );
}

describe('the state machine', () => {
  const template = templateOf(withBuilder());
  const text = definitionOf(template);

  it('is valid in the Amazon States Language', () => {
    expect(validate(JSON.parse(text)).errors).toEqual([]);
  });

  it('is checked for dangling states and impossible percentages', () => {
    for (const [from, to] of [
      ['"Next":"Merge"', '"Next":"Nowhere"'],
      ['"ToleratedFailurePercentage":5.0', '"ToleratedFailurePercentage":200.0'],
    ] as const) {
      expect(text).toContain(from);
      expect(validate(JSON.parse(text.replace(from, to))).isValid).toBe(false);
    }
  });

  it('indexes 10 images at the same time, and fails if more than 5 % of the invocations crash', () => {
    const { Index } = JSON.parse(text).States;
    expect(Index).toMatchObject({
      MaxConcurrency: 10,
      ToleratedFailurePercentage: 5,
      ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
    });
    expect(JSON.parse(definitionOf(templateOf(withBuilder({ maxConcurrency: 3 })))).States.Index.MaxConcurrency).toBe(
      3,
    );
  });

  it('retries temporary errors of the generator and of a list, and nothing else that these throw', () => {
    const { List, Index } = JSON.parse(text).States;
    for (const state of [List.ItemProcessor.States.ListRepository, Index.ItemProcessor.States.IndexImage]) {
      const errors = (state.Retry as { ErrorEquals: string[] }[]).flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(errors.filter((error) => !error.startsWith('Lambda.'))).toEqual(['FunctionError']);
    }
  });

  it('is the only caller of the functions, and may do nothing else than a Distributed Map needs', () => {
    expect(actionsOf(template, 'JobsStateMachine').sort()).toEqual([
      'lambda:InvokeFunction',
      's3:AbortMultipartUpload',
      's3:GetObject',
      's3:ListMultipartUploadParts',
      's3:PutObject',
      'states:DescribeExecution',
      'states:ListExecutions',
      'states:RedriveExecution',
      'states:StartExecution',
      'states:StopExecution',
    ]);
  });
});

describe('the garbage collection', () => {
  const collecting = (more: object = {}) =>
    templateOf((stack) => ({
      ...withBuilder()(stack),
      garbageCollection: {
        clusters: [Cluster.fromClusterArn(stack, 'Web', 'arn:aws:ecs:eu-west-1:123456789012:cluster/web')],
        otherImagesInUse: SociImagesInUse.NONE,
        ...more,
      },
    }));
  const actions = (template: Template) =>
    actionsOf(template, 'JobsCollectFunction')
      .filter((action) => !action.startsWith('logs:'))
      .sort();

  it('is off by default, without a function or a state', () => {
    const template = templateOf(withBuilder());
    expect(environmentOf(template, 'collect.handler')).toBeUndefined();
    expect(definitionOf(template)).not.toContain('Collect');
    expect(environmentOf(template, 'plan.handler').soci_garbage).toBeUndefined();
  });

  it('follows the images, also if there is nothing to index, and precedes the report', () => {
    const text = definitionOf(collecting());
    const definition = JSON.parse(text);
    expect(validate(definition).errors).toEqual([]);
    const { IsAnythingToIndex, Index, IsGarbageCollected, Collect } = definition.States;
    expect([IsAnythingToIndex.Default, Index.Next]).toEqual(['IsGarbageCollected', 'IsGarbageCollected']);
    expect([IsGarbageCollected.Default, Collect.Next]).toEqual(['Collect', 'Report']);
    // A repository that cannot be checked must not prevent the report of what was deleted.
    expect(Collect.ToleratedFailurePercentage).toBe(100);
    const dangling = text.replace('"Next":"CollectRepository"', '"Next":"Nowhere"');
    expect(validate(JSON.parse(dangling)).isValid).toBe(false);
  });

  it('only reports, without permission to delete, unless delete is true', () => {
    const template = collecting();
    expect(environmentOf(template, 'collect.handler')).toMatchObject({
      soci_garbage: 'report',
      soci_in_use_elsewhere: 'none',
      soci_in_use_clusters: 'arn:aws:ecs:eu-west-1:123456789012:cluster/web',
    });
    const ecs = [
      'ecs:DescribeServiceRevisions',
      'ecs:DescribeServices',
      'ecs:DescribeTaskDefinition',
      'ecs:DescribeTasks',
      'ecs:ListServices',
      'ecs:ListTasks',
    ];
    const reading = ['ecr:BatchGetImage', 'ecr:DescribeImages', ...ecs];
    expect(actions(template)).toEqual([...reading, 's3:GetObject', 's3:ListBucket', 's3:PutObject']);
    const [first = '', ...others] = reading;
    expect(actions(collecting({ delete: true }))).toEqual([
      'ecr:BatchDeleteImage',
      first,
      ...others,
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      's3:PutObject',
    ]);
  });

  it('reads lists of images in use only if there are some, and the cluster that is named', () => {
    const policiesOf = (template: Template) => JSON.stringify(template.findResources('AWS::IAM::Policy'));
    expect(policiesOf(collecting())).not.toContain('/in-use/*');
    const listed = collecting({ otherImagesInUse: SociImagesInUse.LISTED, clusters: undefined });
    expect(policiesOf(listed)).toContain('/in-use/*');
    expect(policiesOf(listed)).not.toContain('ecs:');
    collecting().hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['ecs:ListTasks', 'ecs:DescribeTasks', 'ecs:ListServices', 'ecs:DescribeServices'],
            Condition: { ArnLike: { 'ecs:cluster': ['arn:aws:ecs:eu-west-1:123456789012:cluster/web'] } },
          }),
        ]),
      },
    });
  });

  it('takes the age from olderThan', () => {
    const template = collecting({ olderThan: Duration.days(90), delete: true });
    expect(environmentOf(template, 'collect.handler')).toMatchObject({
      soci_garbage: 'delete',
      soci_garbage_older_than_days: '90',
    });
  });

  it.each([
    [
      'for half a day',
      { olderThan: Duration.hours(12) },
      'garbageCollection.olderThan: 0.5 is not a whole number from 0',
    ],
    ['with an empty list of clusters', { clusters: [] }, 'garbageCollection.clusters: the list is empty'],
  ])('fails %s', (_, props, message) => {
    expect(() => collecting(props)).toThrow(message);
  });

  it('fails for a cluster in another account', () => {
    const make = () =>
      templateOf((stack) => ({
        ...withBuilder()(stack),
        garbageCollection: {
          clusters: [Cluster.fromClusterArn(stack, 'Far', 'arn:aws:ecs:eu-west-1:999999999999:cluster/far')],
          otherImagesInUse: SociImagesInUse.NONE,
        },
      }));
    expect(make).toThrow('garbageCollection.clusters: far is in the account 999999999999');
  });
});

describe('the functions', () => {
  const template = templateOf(withBuilder());

  it('have the filters, the output tag and the version of the builder', () => {
    for (const handler of ['plan.handler', 'list.handler', 'merge.handler', 'report.handler']) {
      expect(environmentOf(template, handler)).toMatchObject({
        soci_repository_image_tag_filters: 'prod/*:*',
        soci_output_tag: '{tag}.soci',
        soci_index_version: 'V2',
        soci_confirm_above: '10000',
      });
    }
  });

  it('have a role each, and none may push or delete images', () => {
    const roles = ['Plan', 'List', 'Merge', 'Report'].map((step) => {
      const actions = actionsOf(template, `Jobs${step}Function`);
      return [step, actions.filter((action) => !action.startsWith('logs:')).sort()];
    });
    expect(Object.fromEntries(roles)).toEqual({
      Plan: ['ecr:DescribeRepositories', 's3:PutObject'],
      List: ['ecr:BatchGetImage', 'ecr:DescribeImages', 's3:PutObject'],
      Merge: ['s3:GetObject', 's3:ListBucket', 's3:PutObject'],
      Report: ['events:PutEvents', 's3:GetObject', 's3:ListBucket', 's3:PutObject'],
    });
  });

  it('take limits from the properties', () => {
    const limited = templateOf(
      withBuilder({ maxImageSize: Size.gibibytes(20), newerThan: Duration.days(30), confirmAbove: 5 }),
    );
    expect(environmentOf(limited, 'list.handler')).toMatchObject({
      soci_max_image_size: String(20 * 2 ** 30),
      soci_newer_than_days: '30',
      soci_confirm_above: '5',
    });
  });

  it('send events to the given bus', () => {
    const template = templateOf((stack) => ({ ...withBuilder()(stack), eventBus: new EventBus(stack, 'Bus') }));
    expect(environmentOf(template, 'report.handler').soci_event_bus).toEqual({
      'Fn::GetAtt': [expect.stringMatching(/^Bus/), 'Arn'],
    });
  });
});

it('runs on a schedule only if one is given', () => {
  templateOf(withBuilder()).resourceCountIs('AWS::Scheduler::Schedule', 0);
  templateOf(withBuilder({ schedule: Schedule.rate(Duration.days(1)) })).hasResourceProperties(
    'AWS::Scheduler::Schedule',
    {
      ScheduleExpression: 'rate(1 day)',
      FlexibleTimeWindow: { Mode: 'OFF' },
    },
  );
});

describe('the bucket', () => {
  it('is encrypted and private, needs TLS, and its objects expire', () => {
    const template = templateOf(withBuilder({ resultRetention: Duration.days(7) }));
    template.hasResource('AWS::S3::Bucket', {
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        LifecycleConfiguration: {
          Rules: [
            Match.objectLike({ Prefix: 'runs/', ExpirationInDays: 7, Status: 'Enabled' }),
            Match.objectLike({ Prefix: 'undo/', ExpirationInDays: 365, Status: 'Enabled' }),
          ],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
      DeletionPolicy: 'Retain',
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      },
    });
  });

  it('can be an existing one', () => {
    const template = templateOf((stack) => ({
      ...withBuilder()(stack),
      bucket: Bucket.fromBucketName(stack, 'Mine', 'mine'),
    }));
    template.resourceCountIs('AWS::S3::Bucket', 0);
    expect(environmentOf(template, 'merge.handler').soci_bucket).toBe('mine');
  });
});

it('can use the generator of another stack', () => {
  const template = templateOf((stack) => ({
    generatorFunction: LambdaFunction.fromFunctionName(stack, 'Generator', 'generator'),
    filters: ['app:*'],
    indexVersion: SociIndexVersion.V1,
  }));
  expect(environmentOf(template, 'list.handler')).toMatchObject({
    soci_repository_image_tag_filters: 'app:*',
    soci_index_version: 'V1',
    soci_output_tag: 'none',
  });
});

it('applies the permissions boundary to every role', () => {
  const template = templateOf((stack) => ({
    generatorFunction: LambdaFunction.fromFunctionName(stack, 'Generator', 'generator'),
    permissionsBoundary: ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'),
    schedule: Schedule.rate(Duration.days(1)),
  }));
  const roles = Object.values(template.findResources('AWS::IAM::Role'));
  expect(roles).toHaveLength(6);
  for (const { Properties } of roles) expect(Properties.PermissionsBoundary).toBeDefined();
});

describe('synthesis fails', () => {
  it.each<[string, SociRegistryJobsProps, string]>([
    ['without a generator', { builder: undefined }, 'Stack/Jobs: builder: it is missing'],
    ['with two versions', { indexVersion: SociIndexVersion.V1 }, 'indexVersion: builder is set'],
    ['with two output tags', { outputTag: '{tag}-x' }, 'outputTag: builder is set'],
    ['for a concurrency of 0', { maxConcurrency: 0 }, 'maxConcurrency: 0 is not between 1 and 10000 images'],
    ['for a negative limit', { confirmAbove: -1 }, 'confirmAbove: -1 is not between'],
    ['without filters', { filters: [] }, 'filters: the list is empty'],
    ['for half a day', { newerThan: Duration.hours(12) }, 'newerThan: 0.5 is not a whole number from 1'],
  ])('%s', (_, props, message) => {
    expect(() => templateOf(withBuilder(props))).toThrow(message);
  });
});
