import type { ImageIdentifier } from '@aws-sdk/client-ecr';
import { type CallOptions, OciError } from '@soci/oci';
import { type AwsOptions, describeAwsFailure, type EcrClient, openEcrClient } from './aws-client.ts';
import type { EcrHost } from './ecr-host.ts';

/**
 * Maximum number of images that one call deletes or lists.
 *
 * @see Amazon ECR API Reference, BatchDeleteImage and ListImages
 */
const MAX_DELETED = 100;
const MAX_LISTED = 1000;

/** Options of {@link openEcrImages}. */
export interface EcrImagesOptions extends AwsOptions {
  /** Account and Region of the registry. */
  readonly registry: Pick<EcrHost, 'account' | 'region'>;
}

/** An image in the ECR API: identified by tag, by digest, or both. */
export interface EcrImageId {
  readonly digest?: string;
  readonly tag?: string;
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
  const { account, region } = options.registry;
  let opened: Promise<EcrClient> | undefined;
  const call = async <Output>(
    repository: string,
    permission: string,
    { signal }: CallOptions,
    send: (client: EcrClient, handler: { readonly abortSignal?: AbortSignal }) => Promise<Output>,
  ): Promise<Output> => {
    signal?.throwIfAborted();
    try {
      opened ??= openEcrClient(region, options);
      return await send(await opened, { ...(signal && { abortSignal: signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      if ((error as Error).name === 'RepositoryNotFoundException') {
        throw new OciError('NOT_FOUND', `repository ${repository} of account ${account} does not exist in ${region}`);
      }
      throw describeAwsFailure(error, { host: `${account} in ${region}`, permission, resource: repository });
    }
  };
  const names = (repositoryName: string) => ({ registryId: account, repositoryName });
  return {
    async *listTags(repository, callOptions = {}) {
      let nextToken: string | undefined;
      do {
        const filter = { tagStatus: 'TAGGED' as const };
        const input = { ...names(repository), filter, maxResults: MAX_LISTED, nextToken };
        const output = await call(repository, 'ecr:ListImages', callOptions, ({ sdk, client }, handler) =>
          client.send(new sdk.ListImagesCommand(input), handler),
        );
        for (const { imageDigest: digest, imageTag: tag } of output.imageIds ?? []) {
          if (digest !== undefined && tag !== undefined) yield { digest, tag };
        }
        nextToken = output.nextToken;
      } while (nextToken !== undefined);
    },
    async delete(repository, images, callOptions = {}) {
      const failures: EcrDeletionFailure[] = [];
      for (let from = 0; from < images.length; from += MAX_DELETED) {
        const imageIds = images.slice(from, from + MAX_DELETED).map(toAws);
        const output = await call(repository, 'ecr:BatchDeleteImage', callOptions, ({ sdk, client }, handler) =>
          client.send(new sdk.BatchDeleteImageCommand({ ...names(repository), imageIds }), handler),
        );
        for (const { imageId = {}, failureCode = '', failureReason = '' } of output.failures ?? []) {
          failures.push({ ...fromAws(imageId), code: failureCode, reason: failureReason });
        }
      }
      return failures;
    },
  };
}

function toAws({ digest, tag }: EcrImageId): ImageIdentifier {
  return { ...(digest !== undefined && { imageDigest: digest }), ...(tag !== undefined && { imageTag: tag }) };
}

function fromAws({ imageDigest: digest, imageTag: tag }: ImageIdentifier): EcrImageId {
  return { ...(digest !== undefined && { digest }), ...(tag !== undefined && { tag }) };
}
