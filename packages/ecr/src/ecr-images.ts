import type { ImageIdentifier } from '@aws-sdk/client-ecr';
import { type CallOptions, OciError } from '@soci/oci';
import { type AwsOptions, describeAwsFailure, type EcrClient, openEcrClient } from './aws-client.ts';
import type { EcrHost } from './ecr-host.ts';

/** Images that one call deletes, and lists, at most. @see Amazon ECR API Reference, BatchDeleteImage and ListImages */
const MAX_DELETED = 100;
const MAX_LISTED = 1000;

/** Options of {@link openEcrImages}. */
export interface EcrImagesOptions extends AwsOptions {
  /** Whose registry it is, and where. */
  readonly registry: Pick<EcrHost, 'account' | 'region'>;
}

/** An image as Amazon ECR's own API names it: by tag, by digest, or both. */
export interface EcrImageId {
  readonly digest?: string;
  readonly tag?: string;
}

/** An image that was not deleted. */
export interface EcrDeletionFailure extends EcrImageId {
  /** Such as `ImageNotFound` or `ImageReferencedByManifestList`. */
  readonly code: string;
  /** In Amazon ECR's words. */
  readonly reason: string;
}

/**
 * What Amazon ECR's own API can do with images, and the distribution API cannot: tell which digest each tag names without
 * asking for each, take a tag away by itself, and refuse to delete a manifest that an image index lists.
 *
 * Its methods throw OciError `NOT_FOUND` where there is no such repository, RegistryError as `ecrCredentials`, or the
 * signal's reason.
 */
export interface EcrImages {
  /** Every tag of a repository, with the digest that it names. Needs `ecr:ListImages`. */
  listTags(repository: string, options?: CallOptions): AsyncGenerator<Required<EcrImageId>, void, undefined>;
  /**
   * Takes tags away, an image with its last one; or deletes images with all their tags, where they are named by digest alone.
   * Needs `ecr:BatchDeleteImage`.
   *
   * @returns Those that were not deleted.
   */
  delete(
    repository: string,
    images: readonly EcrImageId[],
    options?: CallOptions,
  ): Promise<readonly EcrDeletionFailure[]>;
}

/** Opens the images of a private registry by Amazon ECR's own API. The AWS SDK is loaded with the first call. */
export function openEcrImages(options: EcrImagesOptions): EcrImages {
  const { account, region } = options.registry;
  let opened: Promise<EcrClient> | undefined;
  const call = async <Answer>(
    repository: string,
    permission: string,
    { signal }: CallOptions,
    send: (client: EcrClient, handler: { readonly abortSignal?: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> => {
    signal?.throwIfAborted();
    try {
      opened ??= openEcrClient(region, options);
      return await send(await opened, { ...(signal && { abortSignal: signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      if ((error as Error).name === 'RepositoryNotFoundException') {
        throw new OciError('NOT_FOUND', `there is no repository ${repository} of ${account} in ${region}`);
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
        const answer = await call(repository, 'ecr:ListImages', callOptions, ({ sdk, client }, handler) =>
          client.send(new sdk.ListImagesCommand(input), handler),
        );
        for (const { imageDigest: digest, imageTag: tag } of answer.imageIds ?? []) {
          if (digest !== undefined && tag !== undefined) yield { digest, tag };
        }
        nextToken = answer.nextToken;
      } while (nextToken !== undefined);
    },
    async delete(repository, images, callOptions = {}) {
      const failures: EcrDeletionFailure[] = [];
      for (let from = 0; from < images.length; from += MAX_DELETED) {
        const imageIds = images.slice(from, from + MAX_DELETED).map(toAws);
        const answer = await call(repository, 'ecr:BatchDeleteImage', callOptions, ({ sdk, client }, handler) =>
          client.send(new sdk.BatchDeleteImageCommand({ ...names(repository), imageIds }), handler),
        );
        for (const { imageId = {}, failureCode = '', failureReason = '' } of answer.failures ?? []) {
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
