import type { Artifact } from '@soci/index';
import type { Descriptor, Fetcher, Prober } from '@soci/oci';
import { ANNOTATION_REF_NAME } from '@soci/oci/layout';

/** What is made is handed out in chunks of this size. */
const CHUNK_SIZE = 1 << 20;

/**
 * What was made, laid over the store that holds the image: both are read as one, and the image's store stays as it is.
 * Nothing is copied to be held: the zTOCs of a large image are hundreds of megabytes.
 */
export function overlayArtifacts(artifacts: readonly Artifact[], image: Fetcher & Prober): Fetcher & Prober {
  const made = new Map(artifacts.map(({ descriptor, content }) => [descriptor.digest, content]));
  return {
    async *fetch(target, options = {}) {
      const content = made.get(target.digest);
      if (content === undefined) {
        yield* image.fetch(target, options);
        return;
      }
      for (let start = 0; start < content.length; start += CHUNK_SIZE) {
        options.signal?.throwIfAborted();
        const chunk = content.subarray(start, start + CHUNK_SIZE);
        yield options.reuseChunks ? chunk : new Uint8Array(chunk);
      }
    },
    exists: async (target, options) => made.has(target.digest) || image.exists(target, options),
  };
}

/** A manifest without the name that it bears where it was found: somewhere else it has another, or none. */
export function withoutName(descriptor: Descriptor): Descriptor {
  const { annotations, ...rest } = descriptor;
  const { [ANNOTATION_REF_NAME]: _, ...others } = annotations ?? {};
  return Object.keys(others).length === 0 ? rest : { ...rest, annotations: others };
}
