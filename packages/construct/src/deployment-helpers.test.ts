import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { App, CfnParameter, Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { type IRepository, Repository } from 'aws-cdk-lib/aws-ecr';
import { FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import {
  SociIndexBuilder,
  type SociIndexBuilderProps,
  SociIndexedImage,
  SociIndexVersion,
  SociRegistryJobs,
} from './index';

const newStack = () => new Stack(new App(), 'Stack', { env: { account: '123456789012', region: 'eu-west-1' } });
const repositoryOf = (stack: Stack, name = 'prod/app') => Repository.fromRepositoryName(stack, name, name);

describe('sociImage', () => {
  /** Returns the image of a container that runs `sociImage` of a builder. */
  function imageOf(props: SociIndexBuilderProps, tag = 'v1', repository?: (stack: Stack) => IRepository): string {
    const stack = newStack();
    const builder = new SociIndexBuilder(stack, 'Soci', props);
    const image = builder.sociImage(repository?.(stack) ?? repositoryOf(stack), tag);
    new FargateTaskDefinition(stack, 'Task').addContainer('app', { image });
    const [task] = Object.values(Template.fromStack(stack).findResources('AWS::ECS::TaskDefinition'));
    return JSON.stringify(task?.Properties.ContainerDefinitions[0].Image);
  }

  it.each<[string, SociIndexBuilderProps, string]>([
    ['by default', {}, '/prod/app:v1-soci"'],
    ['with an output tag', { outputTag: 'soci-{tag}' }, '/prod/app:soci-v1"'],
    ['for version 1, which changes no image', { indexVersion: SociIndexVersion.V1 }, '/prod/app:v1"'],
    ['if the filters match', { filters: ['prod/*:*', '!*:*-test'] }, '/prod/app:v1-soci"'],
  ])('is the image that the builder makes %s', (_, props, end) => {
    expect(imageOf(props)).toContain(end);
  });

  it('accepts a tag and filters that are known only at deployment', () => {
    const stack = newStack();
    const filters = new CfnParameter(stack, 'Filters', { type: 'CommaDelimitedList' }).valueAsList;
    const tag = new CfnParameter(stack, 'Tag').valueAsString;
    const builder = new SociIndexBuilder(stack, 'Soci', { filters });
    const image = builder.sociImage(repositoryOf(stack), tag);
    new FargateTaskDefinition(stack, 'Task').addContainer('app', { image });
    const [task] = Object.values(Template.fromStack(stack).findResources('AWS::ECS::TaskDefinition'));
    expect(JSON.stringify(task)).toContain('{"Ref":"Tag"},"-soci"');
  });

  it.each<[string, SociIndexBuilderProps, string, string]>([
    [
      'an output tag with a digest',
      { outputTag: '{tag}-{digest12}' },
      'v1',
      'use {tag} without {digest12}, or SociInde',
    ],
    ['no output tag', { outputTag: 'none' }, 'v1', 'outputTag none gives no tag'],
    ['a digest', {}, `sha256:${'0'.repeat(64)}`, 'is not a tag: use the tag of the pushed image'],
    ['an image that no filter matches', { filters: ['test/*:*'] }, 'v1', 'do not match prod/app:v1'],
    ['an excluded image', { filters: ['*:*', '!prod/*:v*'] }, 'v1', 'the builder does not index it'],
    ['the tag of an indexed image', {}, 'v1-soci', 'v1-soci is the tag of a SOCI-enabled image: use the tag of the'],
    ['a tag that becomes too long', {}, 'v'.repeat(126), 'but a tag has at most 128'],
  ])('rejects %s', (_, props, tag, problem) => {
    expect(() => imageOf(props, tag)).toThrow(problem);
    expect(() => imageOf(props, tag)).toThrow('Stack/Soci: sociImage: ');
  });

  it('rejects a name as a repository', () => {
    const builder = new SociIndexBuilder(newStack(), 'Soci');
    const problem = 'Stack/Soci: sociImage: "app" is not a repository: pass the repository of the image';
    expect(() => builder.sociImage('app' as never, 'v1')).toThrow(problem);
  });

  it('rejects a number as a tag', () => {
    const stack = newStack();
    const problem = 'Stack/Soci: sociImage: 1 is not a tag: use the tag of the pushed image, such as v1';
    expect(() => new SociIndexBuilder(stack, 'Soci').sociImage(repositoryOf(stack), 1 as never)).toThrow(problem);
  });

  it('rejects a missing repository', () => {
    const builder = new SociIndexBuilder(newStack(), 'Soci');
    const problem = 'Stack/Soci: sociImage: the repository is missing: pass the repository of the image';
    expect(() => builder.sociImage(undefined as never, 'v1')).toThrow(problem);
  });
});

describe('events', () => {
  it.each([
    ['onIndexed', 'SOCI Index Ready'],
    ['onFailed', 'SOCI Index Failed'],
  ] as const)('%s creates a rule for %s on the bus of the builder', (method, detailType) => {
    const stack = newStack();
    const eventBus = new EventBus(stack, 'Bus');
    const builder = new SociIndexBuilder(stack, 'Soci', { eventBus });
    const rule = builder[method]('Notify', {
      target: new SnsTopic(new Topic(stack, 'Topic')),
      description: 'Notifies.',
      eventPattern: { detail: { 'repository-name': ['prod/app'] } },
    });
    expect(rule.node.path).toBe('Stack/Soci/Notify');
    Template.fromStack(stack).hasResourceProperties('AWS::Events::Rule', {
      Description: 'Notifies.',
      EventBusName: Match.objectLike({ Ref: Match.stringLikeRegexp('^Bus') }),
      EventPattern: {
        source: ['soci-index-builder'],
        'detail-type': [detailType],
        detail: { 'repository-name': ['prod/app'] },
      },
      Targets: [Match.objectLike({ Arn: { Ref: Match.stringLikeRegexp('^Topic') } })],
    });
  });

  it('need an event bus', () => {
    const builder = new SociIndexBuilder(newStack(), 'Soci');
    const problem = 'Stack/Soci: eventBus: without it, there are no events for Notify: set it';
    expect(() => builder.onIndexed('Notify')).toThrow(problem);
    expect(() => builder.onFailed('Notify')).toThrow(problem);
  });
});

it('an event rejects a value that is not a target', () => {
  const stack = newStack();
  const builder = new SociIndexBuilder(stack, 'Soci', { eventBus: new EventBus(stack, 'Bus') });
  const problem =
    'Stack/Soci: Notify: target: Topic2 is not a target: use one of aws-events-targets, such as new SnsTopic';
  expect(() => builder.onIndexed('Notify', { target: new Topic(stack, 'Topic') as never })).toThrow(problem);
  expect(() => builder.onFailed('Notify', { target: null as never })).toThrow('target: null is not a target');
});

it('an event rejects options without an id, and a target without options', () => {
  const stack = newStack();
  const builder = new SociIndexBuilder(stack, 'Soci', { eventBus: new EventBus(stack, 'Bus') });
  const target = new SnsTopic(new Topic(stack, 'Topic'));
  expect(() => builder.onIndexed({ target } as never)).toThrow('Stack/Soci: id: Object is not a string: use an id for');
  expect(() => builder.onFailed('Notify', 'topic' as never)).toThrow(
    'Stack/Soci: Notify: "topic" has the wrong type: use options such as { target: new SnsTopic(topic) }',
  );
});

describe('SociIndexedImage.fromAsset', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n');

  it('indexes the image of a directory, without Docker at synthesis', () => {
    const stack = newStack();
    const image = SociIndexedImage.fromAsset(stack, 'App', folder, { removeIndex: false });
    expect(image.node.path).toBe('Stack/App');
    Template.fromStack(stack).hasResourceProperties('Custom::SociIndexedImage', {
      image: Match.stringLikeRegexp('^[0-9a-f]{64}$'),
      removeIndex: 'false',
    });
  });

  it('rejects a value that is not a path', () => {
    const make = () => SociIndexedImage.fromAsset(newStack(), 'App', { directory: folder } as never);
    expect(make).toThrow('Stack/App: directory: Object is not a folder with a Dockerfile: use one, or from');
  });

  it('rejects a folder instead of an asset', () => {
    const make = () => SociIndexedImage.fromDockerImageAsset(newStack(), 'App', folder as never);
    expect(make).toThrow('has the wrong type: use a DockerImageAsset, or fromAsset for a folder');
    expect(make).toThrow('Stack/App: asset: ');
  });

  it('rejects a folder without a Dockerfile', () => {
    const directory = join(folder, 'other');
    const make = () => SociIndexedImage.fromAsset(newStack(), 'App', directory);
    expect(make).toThrow(`Stack/App: directory: "${directory}" is not a folder with a Dockerfile: use one, or from`);
  });
});

describe('values that only JavaScript allows', () => {
  it.each<[string, object, string]>([
    [
      'text instead of a list',
      { filters: 'prod/*:*' },
      `filters: "prod/*:*" is not a list: use a list such as ['prod/*:*']`,
    ],
    ['a number in a list', { filters: ['a:*', 1] }, 'filters: element 1 is 1: use a list'],
    [
      'a name as a repository',
      { repositories: ['app'] },
      'repositories: element 0 is "app": use a list such as [repository]',
    ],
    ['a repository without a list', { repositories: {} }, 'repositories: Object is not a list'],
    ['a number as an account', { memberAccounts: [111122223333] }, 'memberAccounts: element 0 is 111122223333'],
    ['a number as an output tag', { outputTag: 1 }, "outputTag: 1 is not a string: use a string such as '{tag}-soci'"],
    ['text as a boolean', { queue: 'false' }, 'queue: "false" is not a boolean: use true or false'],
    [
      'a name as an event bus',
      { eventBus: 'default' },
      'eventBus: "default" has the wrong type: use a value such as EventBus.from',
    ],
    ['an id as a VPC', { vpc: 'vpc-1' }, 'vpc: "vpc-1" has the wrong type: use a value such as Vpc.fromLookup'],
    [
      'an ARN as a boundary',
      { permissionsBoundary: 'arn:aws:iam::aws:policy/B' },
      'permissionsBoundary: "arn:aws:iam::a',
    ],
    ['ids as security groups', { securityGroups: ['sg-1'] }, 'securityGroups: element 0 is "sg-1": use a list such as'],
    ['text as a log retention', { logRetention: '30' }, 'logRetention: "30" is not a number: use 1 to 9999 days'],
    ['text as a memory size', { memorySize: '1769' }, 'memorySize: "1769" is not a number: use 256 to 10240 MB'],
    [
      'seconds as a timeout',
      { timeout: 60 },
      'timeout: 60 has the wrong type: use a value such as Duration.minutes(15)',
    ],
    [
      'milliseconds as a timeout',
      { timeout: Duration.millis(30_500) },
      'timeout: 30.5 is not a whole number from 30 to',
    ],
    ['a part of a byte', { spanSize: Size.kibibytes(0.3) }, 'spanSize: 307.2 is not a whole number from 1 to'],
    ['a part of a megabyte', { memorySize: 1769.5 }, 'memorySize: 1769.5 is not a whole number from 256 to 10240 MB'],
    ['a number of days that CloudWatch does not have', { logRetention: 8 }, 'logRetention: logs cannot be kept for 8'],
    ['text as tracing', { tracing: 'on' }, 'tracing: "on" is not a mode: use a value such as Tracing.ACTIVE'],
    ['text as subnets', { vpcSubnets: 'private' }, 'vpcSubnets: "private" has the wrong type: use { subnetType'],
    ['subnets without a VPC', { vpcSubnets: {} }, 'vpcSubnets: vpc is not set: set it, or omit this property'],
    ['security groups without a VPC', { securityGroups: [] }, 'securityGroups: vpc is not set'],
    ['text as a version', { indexVersion: 'V1' }, 'indexVersion: "V1" has the wrong type: use a value such as SociInd'],
  ])('the builder rejects %s', (_, props, problem) => {
    expect(() => new SociIndexBuilder(newStack(), 'Soci', props)).toThrow(`Stack/Soci: ${problem}`);
  });

  it.each([null, 'prod/*:*', ['prod/*:*'], 5])('each construct rejects %j as its properties', (props) => {
    for (const construct of [SociIndexBuilder, SociIndexedImage, SociRegistryJobs]) {
      const make = () => new construct(newStack(), 'Id', props as never);
      expect(make).toThrow('has the wrong type: use properties such as {');
      expect(make).toThrow('Stack/Id: props: ');
    }
  });

  it.each<[string, (stack: Stack) => object, string]>([
    ['no repository', () => ({ tag: 'v1' }), 'repository: it is missing: set the repository of the image'],
    [
      'neither a tag nor a digest',
      (stack) => ({ repository: repositoryOf(stack) }),
      'tag: it is missing: set a tag or a',
    ],
    ['a name as a repository', () => ({ repository: 'app', tag: 'v1' }), 'repository: "app" has the wrong type: use a'],
    [
      'a number as a tag',
      (stack) => ({ repository: repositoryOf(stack), tag: 1 }),
      "tag: 1 is not a string: use a tag such as 'v1', or a digest",
    ],
    [
      'text as a boolean',
      (stack) => ({ repository: repositoryOf(stack), tag: 'v1', wait: 'no' }),
      'wait: "no" is not a boolean: use true or false',
    ],
  ])('the image rejects %s', (_, props, problem) => {
    const stack = newStack();
    expect(() => new SociIndexedImage(stack, 'Image', props(stack) as never)).toThrow(`Stack/Image: ${problem}`);
  });

  it.each<[string, object, string]>([
    ['text instead of a list', { filters: 'prod/*:*' }, 'filters: "prod/*:*" is not a list: use a list such as'],
    [
      'text as a schedule',
      { schedule: 'rate(1 day)' },
      'schedule: "rate(1 day)" has the wrong type: use a value such as',
    ],
    ['true as garbage collection', { garbageCollection: true }, 'garbageCollection: true has the wrong type: use {'],
    ['no garbage collection', { garbageCollection: null }, 'garbageCollection: null has the wrong type: use {'],
    [
      'garbage collection that does not say which images are in use',
      { garbageCollection: {} },
      'garbageCollection.otherImagesInUse: it is missing: use SociImagesInUse.NONE or LISTED',
    ],
    ['a name as a cluster', { garbageCollection: { clusters: ['c'] } }, 'garbageCollection.clusters: element 0 is "c"'],
  ])('the jobs reject %s', (_, props, problem) => {
    const stack = newStack();
    const builder = new SociIndexBuilder(stack, 'Soci');
    const make = () => new SociRegistryJobs(stack, 'Jobs', { builder, ...props } as never);
    expect(make).toThrow(`Stack/Jobs: ${problem}`);
  });
});
