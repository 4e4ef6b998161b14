import type { SociIndexedImageProperties } from '@soci/functions' with { 'resolution-mode': 'import' };
import { CustomResource, Duration, Stack, Token } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { type ContainerDefinition, ContainerImage, type ContainerImageConfig } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { attempt, checkIndexing, fail, isOther } from './check-props';
import { rules } from './shipped-assets';
import { SociIndexedImageFunction } from './soci-indexed-image-function';
import type { SociIndexedImageOptions, SociIndexedImageProps } from './soci-indexed-image-props';

/** How long CloudFormation waits for an answer: longer than the function can take, and a second try where it crashed. */
const SERVICE_TIMEOUT = Duration.minutes(32);

const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[\da-f]{64}$/;
const MAX_TAG_LENGTH = 128;
const SHORT_DIGEST_LENGTH = 12;

/**
 * Makes a SOCI index for one image in Amazon ECR while a stack is deployed, so that what the stack runs starts lazily from the
 * beginning. The index is deleted with the construct, and when another image takes the place of this one.
 *
 * Creates a custom resource and, once a stack, a function with its role.
 */
export class SociIndexedImage extends Construct {
  /**
   * Indexes an image that is built from a Dockerfile, or comes from a tarball, when the app is deployed.
   *
   * @param asset - The image.
   * @param options - How it is indexed.
   */
  public static fromDockerImageAsset(
    scope: Construct,
    id: string,
    asset: DockerImageAsset,
    options: SociIndexedImageOptions = {},
  ): SociIndexedImage {
    return new SociIndexedImage(scope, id, { ...options, repository: asset.repository, tag: asset.imageTag });
  }

  /** Repository of the image and its index. */
  public readonly repository: IRepository;

  /**
   * Digest of what to run, a token: of the SOCI-enabled image; of the image itself where there was nothing to index, with version
   * 1, and with `wait` false.
   */
  public readonly imageDigest: string;

  /** Address of what to run, by its digest. */
  public readonly imageUri: string;

  /** Tag of the SOCI-enabled image, a token; empty where there is none. With `wait` false it is there once the index is. */
  public readonly outputTag: string;

  /** What came of it, a token: `indexed`, `skipped` where the index was there or there was nothing to index, or `started`. */
  public readonly outcome: string;

  /** Why it was skipped, a token, such as `already-indexed` or `layers-too-small`; else empty. */
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
      serviceTimeout: SERVICE_TIMEOUT,
    });
    // What is allowed is there before the resource, and after it when both are deleted.
    resource.node.addDependency(indexer.base, ...indexer.allowRepository(this, repository, removeIndex));
    if (!wait) resource.node.addDependency(indexer.allowLater());
    this.repository = repository;
    this.imageDigest = resource.getAttString('imageDigest');
    this.imageUri = repository.repositoryUriForDigest(this.imageDigest);
    this.outputTag = resource.getAttString('outputTag');
    this.outcome = resource.getAttString('outcome');
    this.reason = resource.getAttString('reason');
  }

  /** The image for a container of Amazon ECS, by its digest. The task's execution role may pull it. */
  public toEcsContainerImage(): ContainerImage {
    return new IndexedContainerImage(this.repository, this.imageUri);
  }
}

/** `EcrImage` of CDK takes a digest for a tag where that is a token. */
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

/** What the function is told, in texts, as CloudFormation would make of it anyway. */
function propertiesOf(props: SociIndexedImageProps) {
  const { repository, tag, indexVersion, outputTag, minLayerSize, spanSize, wait, removeIndex } = props;
  return {
    repositoryName: repository.repositoryName,
    image: tag,
    wait: String(wait ?? true),
    removeIndex: String(removeIndex ?? true),
    indexVersion: indexVersion?.value,
    outputTag,
    minLayerSize: minLayerSize && String(minLayerSize.toBytes()),
    spanSize: spanSize && String(spanSize.toBytes()),
  } satisfies SociIndexedImageProperties;
}

/** Checks what can be known while the template is made; what is a token, the function checks. */
function checkIndexedImage(scope: Construct, props: SociIndexedImageProps): void {
  const { memorySize, tag } = props;
  checkIndexing(scope, props);
  for (const [name, value] of Object.entries({ memorySize, timeout: props.timeout?.toSeconds() })) {
    if (!Token.isUnresolved(value)) continue;
    const problem =
      'it is known only when the stack is deployed, and the images of a stack have the most of all: a number';
    fail(scope, name, problem);
  }
  checkRepository(scope, props);
  if (!Token.isUnresolved(tag) && !TAG.test(tag) && !DIGEST.test(tag)) {
    fail(scope, 'tag', `${JSON.stringify(tag)} is neither a tag nor a digest, which is sha256: and 64 digits`);
  }
  if (props.indexVersion?.value !== 'V1') checkOutputTag(scope, props);
}

function checkRepository(scope: Construct, { repository }: SociIndexedImageProps): void {
  const { account, region } = repository.env;
  const here = Stack.of(scope);
  if (isOther(account, here.account) || isOther(region, here.region)) {
    const problem = `${repository.repositoryName} is of account ${account} in ${region}: index it in a stack that is deployed there`;
    fail(scope, 'repository', problem);
  }
}

function checkOutputTag(scope: Construct, props: SociIndexedImageProps): void {
  const { tag, wait = true } = props;
  const { outputTag = DIGEST.test(tag) ? rules.DIGEST_OUTPUT_TAG : rules.DEFAULT_OUTPUT_TAG } = props;
  if (Token.isUnresolved(outputTag)) return;
  attempt(scope, 'outputTag', () => rules.parseOutputTag(outputTag));
  if (!wait && outputTag === rules.NO_OUTPUT_TAG) {
    const problem = 'none: without a tag nobody could find an index that was not waited for: leave one of both';
    fail(scope, 'outputTag', problem);
  }
  if (Token.isUnresolved(tag)) return;
  if (DIGEST.test(tag) && outputTag.includes('{tag}')) {
    fail(scope, 'outputTag', `${outputTag} takes the tag of an image that is given by its digest: use {digest12}`);
  }
  const made = outputTag.replaceAll('{tag}', tag).replaceAll('{digest12}', '0'.repeat(SHORT_DIGEST_LENGTH));
  if (made.length > MAX_TAG_LENGTH) {
    fail(scope, 'outputTag', `${made} has ${made.length} characters, and tags ${MAX_TAG_LENGTH}: use {digest12}`);
  }
}
