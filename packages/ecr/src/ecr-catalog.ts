import type { DescribeImagesRequest, Image, ImageDetail } from '@aws-sdk/client-ecr';
import {
  type CallOptions,
  digestOf,
  isDigest,
  type ListedImage,
  type ListedManifest,
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  OciError,
  type RegistryCatalog,
} from '@soci/oci';
import { RegistryError } from '@soci/registry';
import { loadSdk } from './aws-client.ts';
import { type ImageDescriber, imageDescriber, isArchivedStatus } from './describe-images.ts';
import { type EcrApiOptions, openEcrApi, readPages } from './ecr-api.ts';
import { deleteImages } from './ecr-images.ts';

/** Maximum number of entries of a page. @see Amazon ECR API Reference, DescribeRepositories and DescribeImages */
const MAX_LISTED = 1000;

/** Maximum number of manifests that one call returns. @see Amazon ECR API Reference, BatchGetImage */
const MAX_READ = 100;

/** Attempts of a throttled call: a listing of many repositories must not fail because others use the API, too. */
const MAX_ATTEMPTS = 10;

const MANIFEST_TYPES = [
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
];

/** Options of {@link openEcrCatalog}. */
export interface EcrCatalogOptions extends EcrApiOptions {}

/**
 * Returns the catalog of a private registry, from the ECR API. It lists all manifests, including untagged and archived
 * ones, 1,000 per request, and reads 100 manifests per request. The AWS SDK is loaded with the first call.
 *
 * Requires `ecr:DescribeRepositories` for `repositories`, `ecr:DescribeImages` for `images` and `resolveTag`,
 * `ecr:BatchGetImage` for `manifests`, and `ecr:BatchDeleteImage` for `delete`.
 *
 * Methods throw OciError `NOT_FOUND` if the repository does not exist, `DIGEST_MISMATCH` if a manifest does not match
 * its digest; RegistryError `ACCESS_DENIED` and others as documented by {@link ecrCredentials}, `RESPONSE_INVALID` and
 * `LIMIT_EXCEEDED` for a list that does not end; or the signal's reason.
 */
export function openEcrCatalog(options: EcrCatalogOptions): RegistryCatalog {
  const api = openEcrApi(options, { maxAttempts: MAX_ATTEMPTS });
  const describeImages = (describe: ImageDescriber, repository: string, input: ImageSelection, call: CallOptions) =>
    api.call({ ...call, repository, permission: 'ecr:DescribeImages' }, (client, send) =>
      describe(client, { ...api.repository(repository), ...input }, send),
    );
  // A service may know the filter only without image ids.
  const [describePage, describeTag] = [imageDescriber(), imageDescriber()];
  return {
    lists: 'all',
    async *repositories(call = {}) {
      const pages = readPages('DescribeRepositories', (nextToken) =>
        api.call({ ...call, permission: 'ecr:DescribeRepositories' }, async ({ client }, send) => {
          const { DescribeRepositoriesCommand } = await loadCatalogSdk();
          const input = { registryId: api.registryId, maxResults: MAX_LISTED, nextToken };
          return client.send(new DescribeRepositoriesCommand(input), send);
        }),
      );
      for await (const { repositories = [] } of pages) {
        for (const { repositoryName } of repositories) if (repositoryName !== undefined) yield repositoryName;
      }
    },
    async *images(repository, call = {}) {
      // An image that is pushed again during the listing may occur on two pages.
      const seen = new Set<string>();
      const pages = readPages('DescribeImages', (nextToken) =>
        describeImages(describePage, repository, { maxResults: MAX_LISTED, nextToken }, call),
      );
      for await (const { imageDetails = [] } of pages) {
        const images: ListedImage[] = [];
        for (const detail of imageDetails) {
          const image = listedImage(detail);
          if (image === undefined || seen.has(image.digest)) continue;
          seen.add(image.digest);
          images.push(image);
        }
        yield images;
      }
    },
    async *manifests(repository, digests, call = {}) {
      for (let from = 0; from < digests.length; from += MAX_READ) {
        const imageIds = digests.slice(from, from + MAX_READ).map((imageDigest) => ({ imageDigest }));
        const { images = [], failures = [] } = await api.call(
          { ...call, repository, permission: 'ecr:BatchGetImage' },
          async ({ client }, send) => {
            const { BatchGetImageCommand } = await loadCatalogSdk();
            const input = { ...api.repository(repository), imageIds, acceptedMediaTypes: MANIFEST_TYPES };
            return client.send(new BatchGetImageCommand(input), send);
          },
        );
        for (const { imageId, failureCode, failureReason } of failures) {
          if (failureCode === 'ImageNotFound') continue;
          const reason = `${failureCode}: ${failureReason}`;
          throw new RegistryError('SERVER_FAILED', `cannot read ${imageId?.imageDigest} of ${repository}: ${reason}`);
        }
        for (const image of images) yield listedManifest(repository, image);
      }
    },
    async resolveTag(repository, tag, call = {}) {
      // BatchGetImage does not find archived images.
      const { imageDetails } = await describeImages(describeTag, repository, { imageIds: [{ imageTag: tag }] }, call);
      return imageDetails?.[0]?.imageDigest;
    },
    async delete(repository, digests, call = {}) {
      const images = digests.map((digest) => ({ digest }));
      const failures = await deleteImages(api, repository, images, call);
      return failures.map(({ digest = '', code, reason }) => ({ digest, code, reason }));
    },
  };
}

function loadCatalogSdk() {
  return loadSdk(() => import('./ecr-catalog-sdk.ts'));
}

type ImageSelection = Omit<DescribeImagesRequest, 'repositoryName'>;

function listedImage(detail: ImageDetail): ListedImage | undefined {
  const { imageDigest, imageTags = [], imageManifestMediaType, artifactMediaType, imageSizeInBytes } = detail;
  const { imagePushedAt, imageStatus, subjectManifestDigest } = detail;
  if (imageDigest === undefined || !isDigest(imageDigest)) return undefined;
  return {
    digest: imageDigest,
    tags: imageTags,
    ...(imageManifestMediaType !== undefined && { mediaType: imageManifestMediaType }),
    ...(artifactMediaType !== undefined && { artifactType: artifactMediaType }),
    ...(imageSizeInBytes !== undefined && { size: imageSizeInBytes }),
    ...(imagePushedAt !== undefined && { pushedAt: imagePushedAt.getTime() }),
    ...(isArchivedStatus(imageStatus) && { archived: true }),
    ...(subjectManifestDigest !== undefined && { subject: subjectManifestDigest }),
  };
}

/** @throws OciError `DIGEST_MISMATCH` */
function listedManifest(repository: string, image: Image): ListedManifest {
  const { imageId, imageManifest = '', imageManifestMediaType: mediaType = '' } = image;
  const digest = imageId?.imageDigest ?? '';
  const content = Buffer.from(imageManifest);
  const actual = digestOf(content);
  if (actual !== digest) {
    throw new OciError('DIGEST_MISMATCH', `the manifest ${digest} of ${repository} has the digest ${actual}`);
  }
  return { digest, mediaType, content };
}

/**
 * Returns the lifecycle policy of a repository as JSON, or undefined if it has none. Requires `ecr:GetLifecyclePolicy`.
 *
 * @throws OciError `NOT_FOUND` if the repository does not exist; RegistryError as documented by {@link ecrCredentials};
 * the signal's reason
 */
export async function readLifecyclePolicy(
  repository: string,
  options: EcrApiOptions & CallOptions,
): Promise<string | undefined> {
  const { signal, ...apiOptions } = options;
  const api = openEcrApi(apiOptions);
  const call = { repository, permission: 'ecr:GetLifecyclePolicy', ...(signal && { signal }) };
  return api.call(call, async ({ client }, send) => {
    const { GetLifecyclePolicyCommand } = await loadSdk(() => import('./ecr-catalog-sdk.ts'));
    try {
      return (await client.send(new GetLifecyclePolicyCommand(api.repository(repository)), send)).lifecyclePolicyText;
    } catch (error) {
      if ((error as Error).name === 'LifecyclePolicyNotFoundException') return undefined;
      throw error;
    }
  });
}
