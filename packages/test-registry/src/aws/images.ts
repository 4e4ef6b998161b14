import { isDigest, isImageIndex } from '@soci/oci';
import { accepts, removeImage, removeTag } from '../registry/manifests.ts';
import {
  configMediaType,
  listReferences,
  type Repository,
  referralOf,
  type StoredManifest,
} from '../store/repository.ts';
import {
  AwsFailure,
  type AwsInput,
  type AwsRegistry,
  invalid,
  objectsOf,
  optionalTextOf,
  pageOf,
  required,
  textOf,
  textsOf,
} from './aws-call.ts';
import { findRepository } from './repositories.ts';

/** Identifies an image in calls. */
interface ImageId {
  readonly imageDigest?: string | undefined;
  readonly imageTag?: string | undefined;
}

interface ImageFailure {
  readonly imageId: ImageId;
  readonly failureCode: string;
  readonly failureReason: string;
}

/** @see Amazon ECR API Reference, ListImages */
export function listImages(aws: AwsRegistry, input: AwsInput) {
  const repository = findRepository(aws, input);
  const ids = filtered(repository, input).flatMap((image) => idsOf(repository, image));
  const { items, nextToken } = pageOf(ids, input);
  return { imageIds: items, nextToken };
}

/** @see Amazon ECR API Reference, DescribeImages */
export function describeImages(aws: AwsRegistry, input: AwsInput) {
  const repository = findRepository(aws, input);
  const images =
    readIds(input)?.map((id) => {
      const image = find(repository, id);
      if ('failureCode' in image || !hasStatus(repository, image, statusOf(input)))
        throw new AwsFailure('ImageNotFoundException', notFound(aws, repository, id));
      return image;
    }) ?? filtered(repository, input);
  const { items, nextToken } = pageOf(images, input);
  return { imageDetails: items.map((image) => describeImage(aws, repository, image)), nextToken };
}

/** @see Amazon ECR API Reference, BatchGetImage */
export function batchGetImage(aws: AwsRegistry, input: AwsInput) {
  const repository = findRepository(aws, input);
  const types = textsOf(input, 'acceptedMediaTypes', 100)?.join(',');
  const images: object[] = [];
  const failures: ImageFailure[] = [];
  for (const id of required('imageIds', readIds(input))) {
    const image = find(repository, id, types);
    if ('failureCode' in image) failures.push(image);
    else if (repository.isArchived(image.digest)) failures.push(imageNotFound(id));
    else {
      images.push({
        registryId: aws.registry.events.account,
        repositoryName: repository.name,
        imageId: { imageDigest: image.digest, imageTag: id.imageTag },
        imageManifest: Buffer.from(image.bytes).toString(),
        imageManifestMediaType: image.mediaType,
      });
    }
  }
  return { images, failures };
}

/** @see Amazon ECR API Reference, BatchDeleteImage */
export function batchDeleteImage(aws: AwsRegistry, input: AwsInput) {
  const repository = findRepository(aws, input);
  const imageIds: ImageId[] = [];
  const failures: ImageFailure[] = [];
  for (const id of required('imageIds', readIds(input))) {
    const image = find(repository, id);
    if ('failureCode' in image) failures.push(image);
    else if (id.imageTag !== undefined) {
      removeTag(aws.registry, repository, id.imageTag, image);
      imageIds.push({ imageDigest: image.digest, imageTag: id.imageTag });
    } else if (repository.refersTo(image.digest)) {
      failures.push(failure(id, 'ImageReferencedByManifestList', 'Requested image referenced by manifest list'));
    } else {
      imageIds.push(...idsOf(repository, image));
      removeImage(aws.registry, repository, image);
    }
  }
  return { imageIds, failures };
}

function find(repository: Repository, id: ImageId, acceptedTypes?: string): ImageFailure | StoredManifest {
  const { imageDigest, imageTag } = id;
  if (imageDigest !== undefined && !isDigest(imageDigest)) {
    return failure(id, 'InvalidImageDigest', 'Invalid request parameters: image digest should satisfy the regex');
  }
  const reference = imageTag ?? imageDigest;
  if (reference === undefined)
    return failure(id, 'MissingDigestAndTag', 'Invalid request parameters: both tag and digest cannot be null');
  const image = repository.manifest(reference);
  if (image === undefined || !accepts(acceptedTypes, image.mediaType)) {
    return imageNotFound(id);
  }
  if (imageDigest !== undefined && image.digest !== imageDigest) {
    return failure(id, 'ImageTagDoesNotMatchDigest', 'Requested image tag does not match the digest');
  }
  return image;
}

function imageNotFound(id: ImageId): ImageFailure {
  return failure(id, 'ImageNotFound', 'Requested image not found');
}

function failure(imageId: ImageId, failureCode: string, failureReason: string): ImageFailure {
  return { imageId, failureCode, failureReason };
}

function notFound({ registry }: AwsRegistry, { name }: Repository, { imageDigest, imageTag }: ImageId): string {
  const id = `{imageDigest:'${imageDigest ?? 'null'}', imageTag:'${imageTag ?? 'null'}'}`;
  return `The image with imageId ${id} does not exist within the repository with name '${name}' in the registry with id '${registry.events.account}'`;
}

/** Returns the images that match the filter, in the order in which they were pushed. */
function filtered(repository: Repository, input: AwsInput): readonly StoredManifest[] {
  const tagStatus = optionalTextOf((input.filter ?? {}) as AwsInput, 'tagStatus') ?? 'ANY';
  const imageStatus = statusOf(input);
  return repository.manifests().filter((image) => {
    const isTagged = tagStatus !== 'ANY' && repository.tagsOf(image.digest).length > 0;
    return (tagStatus === 'ANY' || isTagged === (tagStatus === 'TAGGED')) && hasStatus(repository, image, imageStatus);
  });
}

/** Returns the `imageStatus` of the filter. Archived images are hidden by default. */
function statusOf(input: AwsInput): string {
  return optionalTextOf((input.filter ?? {}) as AwsInput, 'imageStatus') ?? 'ACTIVE';
}

function hasStatus(repository: Repository, image: StoredManifest, status: string): boolean {
  return status === 'ANY' || status === (repository.isArchived(image.digest) ? 'ARCHIVED' : 'ACTIVE');
}

/** Returns an image id per tag, or one without a tag. */
function idsOf(repository: Repository, { digest }: StoredManifest): readonly ImageId[] {
  const tags = repository.tagsOf(digest);
  if (tags.length === 0) return [{ imageDigest: digest }];
  return tags.map((tag) => ({ imageDigest: digest, imageTag: tag }));
}

function readIds(input: AwsInput): readonly ImageId[] | undefined {
  return objectsOf(input, 'imageIds', 100)?.map((id) => ({
    imageDigest: optionalTextOf(id, 'imageDigest'),
    imageTag: optionalTextOf(id, 'imageTag'),
  }));
}

/** Returns the details of an image. @see Amazon ECR API Reference, ImageDetail */
function describeImage({ registry }: AwsRegistry, repository: Repository, image: StoredManifest) {
  const { digest, mediaType, pushedAt } = image;
  const tags = repository.tagsOf(digest);
  const artifactMediaType = configMediaType(image);
  const subject = referralOf(image)?.subject;
  const imageStatus = repository.isArchived(digest) ? 'ARCHIVED' : 'ACTIVE';
  return {
    registryId: registry.events.account,
    repositoryName: repository.name,
    imageDigest: digest,
    ...(tags.length > 0 && { imageTags: tags }),
    imageSizeInBytes: sizeOf(repository, image),
    imagePushedAt: pushedAt.getTime() / 1000,
    imageManifestMediaType: mediaType,
    imageStatus,
    ...(artifactMediaType !== undefined && { artifactMediaType }),
    ...(subject !== undefined && { subjectManifestDigest: subject }),
  };
}

/** Returns the size of an image with its blobs; for an index, that of the largest image in it. */
function sizeOf(repository: Repository, image: StoredManifest): number {
  const references = listReferences(image);
  if (!isImageIndex(image.mediaType)) return references.reduce((sum, { size }) => sum + size, image.bytes.length);
  const entries = references.map(({ digest }) => repository.manifest(digest));
  return Math.max(0, ...entries.map((entry) => (entry === undefined ? 0 : sizeOf(repository, entry))));
}

const INVALID_DIGEST = {
  failureCode: 'InvalidLayerDigest',
  failureReason: 'Invalid request parameters: layer digest is not valid',
};

/** @see Amazon ECR API Reference, BatchCheckLayerAvailability */
export function batchCheckLayerAvailability(aws: AwsRegistry, input: AwsInput) {
  const repository = findRepository(aws, input);
  const digests = textsOf(input, 'layerDigests', 100);
  if (digests === undefined || digests.length === 0) throw invalid('layerDigests', 'Member must not be empty');
  return {
    layers: digests.filter(isDigest).map((layerDigest) => {
      const blob = aws.registry.store.blob(repository, layerDigest);
      if (blob === undefined) return { layerDigest, layerAvailability: 'UNAVAILABLE' };
      return { layerDigest, layerAvailability: 'AVAILABLE', layerSize: blob.size };
    }),
    failures: digests.flatMap((layerDigest) => (isDigest(layerDigest) ? [] : { layerDigest, ...INVALID_DIGEST })),
  };
}

/** @see Amazon ECR API Reference, GetDownloadUrlForLayer */
export function getDownloadUrlForLayer(aws: AwsRegistry, input: AwsInput) {
  const layerDigest = textOf(input, 'layerDigest');
  const repository = findRepository(aws, input);
  if (aws.registry.store.blob(repository, layerDigest) === undefined) {
    const message = `The layer with digest '${layerDigest}' does not exist in the repository with name '${repository.name}'`;
    throw new AwsFailure('LayersNotFoundException', message);
  }
  return { layerDigest, downloadUrl: aws.signUrl(layerDigest) };
}
