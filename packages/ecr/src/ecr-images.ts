import type { ImageIdentifier } from '@aws-sdk/client-ecr';
import type { CallOptions } from '@soci/oci';
import { imageDescriber, isArchivedStatus } from './describe-images.ts';
import { type EcrApi, type EcrApiOptions, openEcrApi, readPages } from './ecr-api.ts';

/**
 * Maximum number of images that one call deletes or lists.
 *
 * @see Amazon ECR API Reference, BatchDeleteImage and ListImages
 */
const MAX_DELETED = 100;
const MAX_LISTED = 1000;

/** Options of {@link openEcrImages}. */
export interface EcrImagesOptions extends EcrApiOptions {}

/** An image in the ECR API: identified by tag, by digest, or both. */
export interface EcrImageId {
  readonly digest?: string;
  readonly tag?: string;
}

/** What the ECR API says about an image. */
export interface EcrImageDescription {
  readonly digest?: string;
  /** When it was pushed, in milliseconds since 1970. */
  readonly pushedAt?: number;
  /** Whether it is archived, so that it cannot be pulled. */
  readonly isArchived: boolean;
  /** All tags of the image. */
  readonly tags: readonly string[];
}

/** An image that could not be deleted. */
export interface EcrDeletionFailure extends EcrImageId {
  /** Failure code of Amazon ECR, such as `ImageNotFound` or `ImageReferencedByManifestList`. */
  readonly code: string;
  /** Message of Amazon ECR. */
  readonly reason: string;
}

/**
 * The image operations of the ECR API that the distribution API lacks: listing tags with their digests, deleting a
 * single tag, and protecting manifests that an image index refers to.
 *
 * Methods throw OciError `NOT_FOUND` if the repository does not exist, RegistryError as documented by
 * {@link ecrCredentials}, or the signal's reason.
 */
export interface EcrImages {
  /** Lists all tags of a repository with their digests. Requires `ecr:ListImages`. */
  listTags(repository: string, options?: CallOptions): AsyncGenerator<Required<EcrImageId>, void, undefined>;
  /** Describes an image, also if it is archived; undefined if it does not exist. Requires `ecr:DescribeImages`. */
  describe(repository: string, image: EcrImageId, options?: CallOptions): Promise<EcrImageDescription | undefined>;
  /**
   * Reports whether an image is archived. A pull of it fails as if it did not exist. Requires `ecr:DescribeImages`.
   *
   * @returns false also if the image does not exist
   */
  isArchived(repository: string, image: EcrImageId, options?: CallOptions): Promise<boolean>;
  /**
   * Deletes images. An image identified by tag loses this tag, and is deleted with its last tag. An image identified by
   * digest alone is deleted with all its tags. Requires `ecr:BatchDeleteImage`.
   *
   * @returns the images that were not deleted
   */
  delete(
    repository: string,
    images: readonly EcrImageId[],
    options?: CallOptions,
  ): Promise<readonly EcrDeletionFailure[]>;
}

/** Returns the image operations of a private registry. The AWS SDK is loaded with the first call. */
export function openEcrImages(options: EcrImagesOptions): EcrImages {
  const api = openEcrApi(options);
  const describeImages = imageDescriber();
  const describe: EcrImages['describe'] = async (repository, image, callOptions = {}) => {
    const call = { ...callOptions, repository, permission: 'ecr:DescribeImages' };
    const input = { ...api.repository(repository), imageIds: [toAws(image)] };
    const { imageDetails } = await api.call(call, (client, send) => describeImages(client, input, send));
    const [detail] = imageDetails ?? [];
    return (
      detail && {
        ...(detail.imageDigest !== undefined && { digest: detail.imageDigest }),
        ...(detail.imagePushedAt !== undefined && { pushedAt: detail.imagePushedAt.getTime() }),
        isArchived: isArchivedStatus(detail.imageStatus),
        tags: detail.imageTags ?? [],
      }
    );
  };
  return {
    describe,
    async *listTags(repository, callOptions = {}) {
      const call = { ...callOptions, repository, permission: 'ecr:ListImages' };
      const filter = { tagStatus: 'TAGGED' as const };
      const input = { ...api.repository(repository), filter, maxResults: MAX_LISTED };
      const pages = readPages('ListImages', (nextToken) =>
        api.call(call, ({ sdk, client }, send) =>
          client.send(new sdk.ListImagesCommand({ ...input, nextToken }), send),
        ),
      );
      for await (const { imageIds = [] } of pages) {
        for (const { imageDigest: digest, imageTag: tag } of imageIds) {
          if (digest !== undefined && tag !== undefined) yield { digest, tag };
        }
      }
    },
    isArchived: async (repository, image, callOptions) =>
      (await describe(repository, image, callOptions))?.isArchived ?? false,
    delete: (repository, images, callOptions) => deleteImages(api, repository, images, callOptions),
  };
}

/** See {@link EcrImages.delete}. */
export async function deleteImages(
  api: EcrApi,
  repository: string,
  images: readonly EcrImageId[],
  options: CallOptions = {},
): Promise<readonly EcrDeletionFailure[]> {
  const call = { ...options, repository, permission: 'ecr:BatchDeleteImage' };
  const failed: EcrDeletionFailure[] = [];
  for (let from = 0; from < images.length; from += MAX_DELETED) {
    const imageIds = images.slice(from, from + MAX_DELETED).map(toAws);
    const { failures = [] } = await api.call(call, ({ sdk, client }, send) =>
      client.send(new sdk.BatchDeleteImageCommand({ ...api.repository(repository), imageIds }), send),
    );
    for (const { imageId = {}, failureCode = '', failureReason = '' } of failures) {
      failed.push({ ...fromAws(imageId), code: failureCode, reason: failureReason });
    }
  }
  return failed;
}

function toAws({ digest, tag }: EcrImageId): ImageIdentifier {
  return { ...(digest !== undefined && { imageDigest: digest }), ...(tag !== undefined && { imageTag: tag }) };
}

function fromAws({ imageDigest: digest, imageTag: tag }: ImageIdentifier): EcrImageId {
  return { ...(digest !== undefined && { digest }), ...(tag !== undefined && { tag }) };
}
