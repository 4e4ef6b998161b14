import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { App, CfnOutput, CfnParameter, Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { type IRepository, Repository } from 'aws-cdk-lib/aws-ecr';
import { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { describe, expect, it } from 'vitest';
import { serializeTemplate } from './fixtures/serialize-template';
import { SociIndexedImage, type SociIndexedImageProps, SociIndexVersion, SociRecompression } from './index';

const ENV = { account: '123456789012', region: 'eu-west-1' };

/** Feature flags that `cdk init` sets. */
const FLAGS: Record<string, unknown> = require('aws-cdk-lib/recommended-feature-flags.json');
const DIGEST = `sha256:${'0'.repeat(64)}`;
const folder = temporaryFolder();
writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n');

type Props = Partial<SociIndexedImageProps>;

const newStack = () => new Stack(new App(), 'Stack', { env: ENV });
const repositoryOf = (stack: Stack, name = 'app') => Repository.fromRepositoryName(stack, name, name);

/** Returns the template of a stack with one image. */
function templateOf(props: Props | ((stack: Stack) => Props) = {}): Template {
  const stack = newStack();
  const given = typeof props === 'function' ? props(stack) : props;
  new SociIndexedImage(stack, 'Image', { repository: repositoryOf(stack), tag: 'v1', ...given });
  return Template.fromStack(stack);
}

const statementsOf = (template: Template): { Action: string | string[]; Resource: unknown }[] =>
  Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );
const resourceOf = (template: Template) => {
  const [[, resource] = []] = Object.entries(template.findResources('Custom::SociIndexedImage'));
  return resource;
};

describe('an image', () => {
  const template = templateOf();

  it('matches the snapshot', async () => {
    await expect(serializeTemplate(template)).toMatchFileSnapshot('./fixtures/soci-indexed-image.json');
  });

  it('is a custom resource with the code of the generator', () => {
    expect(resourceOf(template)?.Properties).toEqual({
      ServiceToken: { 'Fn::GetAtt': [expect.stringMatching(/^SociIndexedImageFunction/), 'Arn'] },
      ServiceTimeout: '1920',
      repositoryName: 'app',
      image: 'v1',
      wait: 'true',
      removeIndex: 'true',
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'deploy.handler',
      MemorySize: 1769,
      Timeout: 900,
      Runtime: 'nodejs24.x',
    });
  });

  it('grants only the permissions that the function needs in one repository', () => {
    const statements = statementsOf(template);
    expect(statements.flatMap(({ Action }) => Action).sort()).toEqual([
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchDeleteImage',
      'ecr:BatchGetImage',
      'ecr:CompleteLayerUpload',
      'ecr:GetAuthorizationToken',
      'ecr:GetDownloadUrlForLayer',
      'ecr:InitiateLayerUpload',
      'ecr:ListImages',
      'ecr:PutImage',
      'ecr:UploadLayerPart',
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
    expect(statements.filter(({ Resource }) => Resource === '*').map(({ Action }) => Action)).toEqual([
      'ecr:GetAuthorizationToken',
    ]);
  });

  it.each([
    [Duration.minutes(15), '1920'],
    [Duration.minutes(20), '2400'],
    [Duration.minutes(30), '3600'],
  ])('with a timeout of %s, lets CloudFormation wait for two attempts', (timeout, seconds) => {
    expect(resourceOf(templateOf({ timeout }))?.Properties).toMatchObject({ ServiceTimeout: seconds });
  });

  it('depends on the policies', () => {
    const policies = Object.keys(template.findResources('AWS::IAM::Policy'));
    expect(resourceOf(template)?.DependsOn).toEqual(expect.arrayContaining(policies));
  });

  it('passes the indexing options to the function', () => {
    const { Properties } =
      resourceOf(
        templateOf({
          tag: DIGEST,
          indexVersion: SociIndexVersion.V1,
          minLayerSize: Size.mebibytes(1),
          spanSize: Size.kibibytes(512),
        }),
      ) ?? {};
    expect(Properties).toMatchObject({
      image: DIGEST,
      indexVersion: 'V1',
      minLayerSize: '1048576',
      spanSize: '524288',
    });
    expect(resourceOf(templateOf({ outputTag: 'lazy-{tag}' }))?.Properties).toMatchObject({ outputTag: 'lazy-{tag}' });
  });

  it('accepts a tag that is a token', () => {
    const template = templateOf((stack) => ({ tag: new CfnParameter(stack, 'Tag').valueAsString }));
    expect(resourceOf(template)?.Properties).toMatchObject({ image: { Ref: 'Tag' } });
  });

  it('needs no permission to delete with removeIndex false', () => {
    const template = templateOf({ removeIndex: false });
    expect(resourceOf(template)?.Properties).toMatchObject({ removeIndex: 'false' });
    expect(JSON.stringify(statementsOf(template))).not.toContain('Delete');
  });

  it('lets the function invoke only itself with wait false', () => {
    const template = templateOf({ wait: false });
    expect(resourceOf(template)?.Properties).toMatchObject({ wait: 'false' });
    const [statement] = statementsOf(template).filter(({ Action }) => Action === 'lambda:InvokeFunction');
    expect(statement?.Resource).toEqual(resourceOf(template)?.Properties.ServiceToken);
  });

  it('sets memory, timeout, architecture, logs, permissions boundary and VPC', () => {
    const template = templateOf((stack) => ({
      memorySize: 3538,
      timeout: Duration.minutes(5),
      architecture: Architecture.ARM_64,
      logRetention: RetentionDays.ONE_WEEK,
      permissionsBoundary: ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'),
      vpc: new Vpc(stack, 'Vpc', { maxAzs: 2 }),
    }));
    template.hasResourceProperties('AWS::Lambda::Function', {
      MemorySize: 3538,
      Timeout: 300,
      Architectures: ['arm64'],
      VpcConfig: { SubnetIds: Match.anyValue() },
    });
    template.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 7 }, DeletionPolicy: 'Delete' });
    template.hasResourceProperties('AWS::IAM::Role', { PermissionsBoundary: Match.anyValue() });
    expect(statementsOf(template).flatMap(({ Action }) => Action)).toContain('ec2:CreateNetworkInterface');
  });
});

describe('the image to deploy', () => {
  it('has a URI with a digest, and grants pull to the task', () => {
    const stack = newStack();
    const image = new SociIndexedImage(stack, 'Image', { repository: repositoryOf(stack), tag: 'v1' });
    const task = new FargateTaskDefinition(stack, 'Task');
    task.addContainer('app', { image: image.toEcsContainerImage() });
    new CfnOutput(stack, 'Uri', { value: image.imageUri });
    new CfnOutput(stack, 'Outcome', { value: [image.outcome, image.reason, image.outputTag].join() });
    const template = Template.fromStack(stack);
    const [id] = Object.keys(template.findResources('Custom::SociIndexedImage'));
    const digest = { 'Fn::GetAtt': [id, 'imageDigest'] };
    const uri = {
      'Fn::Join': ['', ['123456789012.dkr.ecr.eu-west-1.', { Ref: 'AWS::URLSuffix' }, '/app@', digest]],
    };
    template.hasOutput('Uri', { Value: uri });
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [Match.objectLike({ Image: uri })],
    });
    expect(statementsOf(template).flatMap(({ Action }) => Action)).toContain('ecr:BatchGetImage');
    const pull = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([name]) => name.startsWith('Task'));
    expect(JSON.stringify(pull)).toContain('ecr:GetDownloadUrlForLayer');
  });

  it('can be an asset', () => {
    const stack = newStack();
    const asset = new DockerImageAsset(stack, 'Asset', { directory: folder });
    SociIndexedImage.fromDockerImageAsset(stack, 'Image', asset, {
      spanSize: Size.mebibytes(1),
      recompress: SociRecompression.ZSTD_AND_TAR,
    });
    expect(resourceOf(Template.fromStack(stack))?.Properties).toMatchObject({
      repositoryName: 'cdk-hnb659fds-container-assets-123456789012-eu-west-1',
      image: asset.imageTag,
      spanSize: '1048576',
      recompress: 'zstd,tar',
    });
  });
});

describe('the spans of an indexed image', () => {
  it('can follow a profile', () => {
    const stack = newStack();
    new SociIndexedImage(stack, 'Image', {
      repository: repositoryOf(stack),
      tag: 'v1',
      autoSpanSize: true,
      useStoredProfile: true,
    });
    expect(resourceOf(Template.fromStack(stack))?.Properties).toMatchObject({
      spanSize: 'auto',
      useStoredProfile: 'true',
    });
  });
});

describe('the images of a stack', () => {
  it('share a function with the largest memory and timeout', () => {
    const stack = newStack();
    const repository = repositoryOf(stack);
    new SociIndexedImage(stack, 'A', { repository, tag: 'a', memorySize: 512, timeout: Duration.minutes(1) });
    new SociIndexedImage(stack, 'B', { repository, tag: 'b', memorySize: 3538, timeout: Duration.minutes(2) });
    new SociIndexedImage(stack, 'C', { repository: repositoryOf(stack, 'other'), tag: 'c', memorySize: 512 });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::Lambda::Function', 1);
    template.hasResourceProperties('AWS::Lambda::Function', { MemorySize: 3538, Timeout: 900 });
    // One for each repository.
    expect(statementsOf(template).filter(({ Action }) => Action === 'ecr:BatchDeleteImage')).toHaveLength(2);
  });

  it('share one log group with the feature flags of cdk init', () => {
    const stack = new Stack(new App({ context: FLAGS }), 'Stack', { env: ENV });
    for (const tag of ['v1', 'v2'])
      new SociIndexedImage(stack, tag, { repository: repositoryOf(stack, `of-${tag}`), tag });
    Template.fromStack(stack).resourceCountIs('AWS::Logs::LogGroup', 1);
  });

  it('always use the same function, because CloudFormation does not allow a change of the service token', () => {
    const tokenOf = (props: Props) => resourceOf(templateOf(props))?.Properties.ServiceToken;
    expect(tokenOf({ memorySize: 3538, architecture: Architecture.ARM_64, wait: false })).toEqual(tokenOf({}));
  });

  it('share one policy if they are assets', () => {
    const stack = newStack();
    for (const id of ['A', 'B']) {
      const asset = new DockerImageAsset(stack, `${id}Asset`, { directory: folder, extraHash: id });
      SociIndexedImage.fromDockerImageAsset(stack, id, asset);
    }
    const deletions = statementsOf(Template.fromStack(stack)).filter(({ Action }) => Action === 'ecr:BatchDeleteImage');
    expect(deletions).toHaveLength(1);
  });
});

describe('rejects with the construct, the value and the solution', () => {
  const one = (stack: Stack, account: string, region = 'eu-west-1'): IRepository =>
    Repository.fromRepositoryArn(stack, `${account}-${region}`, `arn:aws:ecr:${region}:${account}:repository/app`);

  it.each<[string, Props | ((stack: Stack) => Props), string]>([
    ['too little memory', { memorySize: 128 }, 'Stack/Image: memorySize: 128 is not between 256 and 10240 MB'],
    ['a long timeout', { timeout: Duration.hours(1) }, 'timeout: 3600 is not between 30 and 1800 seconds'],
    ['no tag', { tag: '' }, 'tag: "" is neither a tag nor a digest'],
    ['half a digest', { tag: 'sha256:abc' }, 'tag: "sha256:abc" is neither'],
    [
      'an output tag that overwrites the tag of the image',
      { outputTag: '{tag}' },
      'outputTag: "{tag}" would overwrite the tag',
    ],
    ['an output tag without a placeholder', { outputTag: 'soci' }, 'outputTag: "soci" has no placeholder'],
    [
      'an output tag with {tag} for a digest',
      { tag: DIGEST, outputTag: '{tag}-soci' },
      'given by its digest: use {digest12}',
    ],
    ['a long tag', { tag: 'v'.repeat(125) }, 'has 130 characters, but a tag has at most 128'],
    [
      'recompression with version 1',
      { recompress: SociRecompression.ZSTD, indexVersion: SociIndexVersion.V1 },
      'recompress: indexVersion V1 does not change layers',
    ],
    ['an empty span', { spanSize: Size.bytes(0) }, 'spanSize: 0 is not between 1'],
    [
      'memory that is a token',
      (stack) => ({ memorySize: new CfnParameter(stack, 'Memory', { type: 'Number' }).valueAsNumber }),
      'memorySize: it is a token, but must be known during synthesis',
    ],
    [
      'a timeout that is a token',
      (stack) => ({ timeout: Duration.seconds(new CfnParameter(stack, 'T', { type: 'Number' }).valueAsNumber) }),
      'timeout: it is a token, but must be known during synthesis',
    ],
    [
      'no output tag with wait false',
      { wait: false, outputTag: 'none' },
      'outputTag: none cannot be combined with wait: false',
    ],
    ['another account', (stack) => ({ repository: one(stack, '210987654321') }), 'app belongs to account 210987654321'],
    ['another Region', (stack) => ({ repository: one(stack, ENV.account, 'us-east-1') }), 'in us-east-1: index it'],
  ])('%s', (_, props, problem) => {
    expect(() => templateOf(props)).toThrow(problem);
  });

  it('images of a stack with different architectures', () => {
    const stack = newStack();
    const repository = repositoryOf(stack);
    new SociIndexedImage(stack, 'A', { repository, tag: 'a' });
    new SociIndexedImage(stack, 'B', { repository, tag: 'b', architecture: Architecture.X86_64 });
    const props = { repository, tag: 'c', architecture: Architecture.ARM_64 };
    expect(() => new SociIndexedImage(stack, 'C', props)).toThrow(
      'Stack/C: architecture: it differs from that of Stack/A',
    );
  });

  it('more repositories than fit in the policies of a role', () => {
    const stack = newStack();
    const make = (i: number) =>
      new SociIndexedImage(stack, `${i}`, { repository: repositoryOf(stack, `app-${i}`), tag: 'v1' });
    expect(() => Array.from({ length: 20 }, (_, i) => make(i))).toThrow('use another stack');
  });
});
