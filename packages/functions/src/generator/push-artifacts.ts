import type { Artifact } from '@soci/index';
import { type CallOptions, isManifestOrIndex } from '@soci/oci';
import type { Repository } from '@soci/registry';

/** Blobs that are on their way at a time. */
const CONCURRENCY = 4;

/**
 * Pushes what was made: blobs first, several at a time, then manifests in their order, so that none is there before what it
 * names. The root of a converted image is not among them: it is pushed under its tag.
 */
export async function pushArtifacts(
  repository: Repository,
  artifacts: readonly Artifact[],
  call: CallOptions,
): Promise<void> {
  const blobs = artifacts.filter(({ descriptor }) => !isManifestOrIndex(descriptor.mediaType));
  const pushBlobs = async (): Promise<void> => {
    for (let blob = blobs.shift(); blob !== undefined; blob = blobs.shift()) {
      await repository.push(blob.descriptor, blob.content, call);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, pushBlobs));
  for (const { kind, descriptor, content } of artifacts) {
    const isManifest = isManifestOrIndex(descriptor.mediaType) && kind !== 'image-index';
    if (isManifest) await repository.pushManifest(descriptor, content, call);
  }
}
