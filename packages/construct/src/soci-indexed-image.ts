import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SociIndexedImageProperties } from '@soci/functions' with { 'resolution-mode': 'import' };
import { CustomResource, Duration, Stack, Token } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { type ContainerDefinition, ContainerImage, type ContainerImageConfig } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { areDifferent, checkIndexing, validate } from './check-props';
import { spanSizeOf } from './generator-function';
import { MAX_TAG_LENGTH, TAG } from './indexed-container-image';
import { checkObject, checkTypes, fail, quote } from './property-types';
import { rules } from './shipped-assets';
import { SociIndexedImageFunction } from './soci-indexed-image-function';
import type { SociIndexedImageOptions, SociIndexedImageProps } from './soci-indexed-image-props';

/** How long CloudFormation waits for a response, in seconds: enough for two attempts of 15 minutes, in case of a crash. */
const SERVICE_TIMEOUT = 1920;

/** Maximum wait of CloudFormation, in seconds. @see CloudFormation User Guide, "AWS::CloudFormation::CustomResource" */
const MAX_SERVICE_TIMEOUT = 3600;

const DIGEST = /^sha256:[\da-f]{64}$/;
const SHORT_DIGEST_LENGTH = 12;

/**
 * Creates a SOCI index for one image in Amazon ECR during deployment. Containers of the stack can use lazy loading from the
 * first start. By default, the index is deleted when you remove the construct or change its image.
 *
 * Creates a custom resource and, once for each stack, a function and its role.
 */
export class SociIndexedImage extends Construct {
  /**
   * Builds the image of a directory, and indexes it. Synthesis does not need Docker: `cdk deploy` builds and pushes the image with
   * it. For build arguments or another Dockerfile, use `fromDockerImageAsset`.
   *
   * @param directory - Directory with the Dockerfile.
   * @param options - Indexing options.
   */
  public static fromAsset(
    scope: Construct,
    id: string,
    directory: string,
    options: SociIndexedImageOptions = {},
  ): SociIndexedImage {
    if (typeof directory !== 'string' || !existsSync(join(directory, 'Dockerfile'))) {
      const problem = `${quote(directory)} is not a folder with a Dockerfile: use one, or fromDockerImageAsset`;
      throw new Error(`${scope.node.path}/${id}: directory: ${problem}`);
    }
    const asset = new DockerImageAsset(scope, `${id}Asset`, { directory });
    return SociIndexedImage.fromDockerImageAsset(scope, id, asset, options);
  }

  /**
   * Indexes the image of an asset.
   *
   * @param asset - Image that the CDK builds and pushes.
   * @param options - Indexing options.
   */
  public static fromDockerImageAsset(
    scope: Construct,
    id: string,
    asset: DockerImageAsset,
    options: SociIndexedImageOptions = {},
  ): SociIndexedImage {
    if (typeof asset?.imageTag !== 'string') {
      const problem = `${quote(asset)} has the wrong type: use a DockerImageAsset, or fromAsset for a folder`;
      throw new Error(`${scope.node.path}/${id}: asset: ${problem}`);
    }
    return new SociIndexedImage(scope, id, { ...options, repository: asset.repository, tag: asset.imageTag });
  }

  /** Repository of the image and its index. */
  public readonly repository: IRepository;

  /**
   * Digest to deploy, a token. It is the digest of the SOCI-enabled image, or that of the original image if there is nothing to
   * index, for version 1, and if `wait` is false.
   */
  public readonly imageDigest: string;

  /** URI to deploy, with the digest. */
  public readonly imageUri: string;

  /** Tag of the SOCI-enabled image, a token; empty if it has none. If `wait` is false, the tag may not exist yet. */
  public readonly outputTag: string;

  /** Outcome, a token: `indexed`, `skipped` (nothing to index, or already indexed), or `started` (if `wait` is false). */
  public readonly outcome: string;

  /** Reason for `skipped`, a token such as `already-indexed` or `layers-too-small`; otherwise empty. */
  public readonly reason: string;

  public constructor(scope: Construct, id: string, props: SociIndexedImageProps) {
    super(scope, id);
    checkIndexedImage(this, props);
    const { repository, wait = true, removeIndex = true } = props;
    const indexer = SociIndexedImageFunction.of(this, props);
    const resource = new CustomResource(this, 'Resource', {
      serviceToken: indexer.handler.functionArn,
      resourceType: 'Custom::SociIndexedImage',
      properties: propertiesOf(props),
      serviceTimeout: serviceTimeoutOf(props),
    });
    // Permissions must exist before the resource is created and until it is deleted.
    resource.node.addDependency(indexer.base, ...indexer.allowRepository(this, repository, removeIndex));
    if (!wait) resource.node.addDependency(indexer.allowSelfInvoke());
    this.repository = repository;
    this.imageDigest = resource.getAttString('imageDigest');
    this.imageUri = repository.repositoryUriForDigest(this.imageDigest);
    this.outputTag = resource.getAttString('outputTag');
    this.outcome = resource.getAttString('outcome');
    this.reason = resource.getAttString('reason');
  }

  /** Returns the image for an Amazon ECS container, by digest. Grants pull to the task's execution role. */
  public toEcsContainerImage(): ContainerImage {
    return new IndexedContainerImage(this.repository, this.imageUri);
  }
}

/** Container image by digest. `EcrImage` of the CDK treats a digest that is a token as a tag. */
class IndexedContainerImage extends ContainerImage {
  private readonly repository: IRepository;
  private readonly imageName: string;

  public constructor(repository: IRepository, imageName: string) {
    super();
    this.repository = repository;
    this.imageName = imageName;
  }

  public bind(_scope: Construct, containerDefinition: ContainerDefinition): ContainerImageConfig {
    this.repository.grantPull(containerDefinition.taskDefinition.obtainExecutionRole());
    return { imageName: this.imageName };
  }
}

/** Returns how long CloudFormation waits: long enough for two attempts with a timeout of up to 30 minutes. */
function serviceTimeoutOf({ timeout }: SociIndexedImageProps): Duration {
  const attempts = 2 * (timeout?.toSeconds() ?? 0);
  return Duration.seconds(Math.min(MAX_SERVICE_TIMEOUT, Math.max(SERVICE_TIMEOUT, attempts)));
}

/** Returns the properties of the custom resource. All are strings, because CloudFormation converts them to strings anyway. */
function propertiesOf(props: SociIndexedImageProps) {
  const { repository, tag, indexVersion, outputTag, minLayerSize, recompress, wait, removeIndex } = props;
  return {
    repositoryName: repository.repositoryName,
    image: tag,
    wait: String(wait ?? true),
    removeIndex: String(removeIndex ?? true),
    indexVersion: indexVersion?.value,
    outputTag,
    minLayerSize: minLayerSize && String(minLayerSize.toBytes()),
    spanSize: spanSizeOf(props),
    useStoredProfile: props.useStoredProfile ? 'true' : undefined,
    recompress: recompress?.value,
  } satisfies SociIndexedImageProperties;
}

/** Validates properties during synthesis. The function validates tokens. */
function checkIndexedImage(scope: Construct, props: SociIndexedImageProps): void {
  checkObject(scope, 'props', props, 'properties such as { repository, tag }');
  const { memorySize, tag } = props;
  if (props.repository === undefined || props.repository === null) {
    fail(scope, 'repository', 'it is missing: set the repository of the image');
  }
  checkTypes(scope, { repository: props.repository });
  if (tag === undefined || tag === null) {
    fail(scope, 'tag', 'it is missing: set a tag or a digest (sha256: and 64 hex digits)');
  }
  if (typeof tag !== 'string') fail(scope, 'tag', `${quote(tag)} is not a string: use a tag such as 'v1', or a digest`);
  checkIndexing(scope, props);
  for (const [name, value] of Object.entries({ memorySize, timeout: props.timeout?.toSeconds() })) {
    if (!Token.isUnresolved(value)) continue;
    fail(scope, name, 'it is a token, but must be known during synthesis: use a number');
  }
  checkRepository(scope, props);
  if (!Token.isUnresolved(tag) && !TAG.test(tag) && !DIGEST.test(tag)) {
    fail(scope, 'tag', `${JSON.stringify(tag)} is neither a tag nor a digest (sha256: and 64 hex digits)`);
  }
  if (props.indexVersion?.value !== 'V1') checkOutputTag(scope, props);
}

function checkRepository(scope: Construct, { repository }: SociIndexedImageProps): void {
  const { account, region } = repository.env;
  const here = Stack.of(scope);
  if (areDifferent(account, here.account) || areDifferent(region, here.region)) {
    const problem = `${repository.repositoryName} belongs to account ${account} in ${region}: index it in a stack that is deployed there`;
    fail(scope, 'repository', problem);
  }
}

function checkOutputTag(scope: Construct, props: SociIndexedImageProps): void {
  const { tag, wait = true } = props;
  const { outputTag = DIGEST.test(tag) ? rules.DIGEST_OUTPUT_TAG : rules.DEFAULT_OUTPUT_TAG } = props;
  if (Token.isUnresolved(outputTag)) return;
  validate(scope, 'outputTag', () => rules.parseOutputTag(outputTag));
  if (!wait && outputTag === rules.NO_OUTPUT_TAG) {
    const problem =
      'none cannot be combined with wait: false, because nothing could find the index: change one of them';
    fail(scope, 'outputTag', problem);
  }
  if (Token.isUnresolved(tag)) return;
  if (DIGEST.test(tag) && outputTag.includes('{tag}')) {
    fail(scope, 'outputTag', `${outputTag} contains {tag}, but the image is given by its digest: use {digest12}`);
  }
  const made = outputTag.replaceAll('{tag}', tag).replaceAll('{digest12}', '0'.repeat(SHORT_DIGEST_LENGTH));
  if (made.length > MAX_TAG_LENGTH) {
    fail(
      scope,
      'outputTag',
      `${made} has ${made.length} characters, but a tag has at most ${MAX_TAG_LENGTH}: use {digest12}`,
    );
  }
}
