import type { Repository } from '../store/repository.ts';
import { configMediaType, listReferences, referralOf, type StoredManifest } from '../store/stored-manifest.ts';
import type { AwsRegistry } from './aws-registry.ts';

/** What ECR tells of an image. @see Amazon ECR API Reference, ImageDetail */
export function describeImage({ registry }: AwsRegistry, repository: Repository, image: StoredManifest) {
  const { digest, mediaType, bytes, pushedAt } = image;
  const tags = repository.tagsOf(digest);
  const artifactMediaType = configMediaType(image);
  const subject = referralOf(image)?.subject;
  const size = listReferences(image).reduce((sum, entry) => sum + entry.size, bytes.length);
  return {
    registryId: registry.events.account,
    repositoryName: repository.name,
    imageDigest: digest,
    ...(tags.length > 0 && { imageTags: tags }),
    imageSizeInBytes: size,
    imagePushedAt: pushedAt.getTime() / 1000,
    imageManifestMediaType: mediaType,
    ...(artifactMediaType !== undefined && { artifactMediaType }),
    ...(subject !== undefined && { subjectManifestDigest: subject }),
  };
}
