import type { Artifact } from '@soci/index';
import { type Descriptor, type Fetcher, OverlayStore, type Prober, type RangeFetcher } from '@soci/oci';
import { REF_NAME } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';

/** What was made, laid over the store that holds the image: both are read as one, and the image's store stays as it is. */
export async function overlayArtifacts(
  artifacts: readonly Artifact[],
  image: Fetcher & RangeFetcher & Prober,
): Promise<Fetcher & Prober> {
  const made = new MemoryStore({ maxMemory: Number.POSITIVE_INFINITY });
  for (const { descriptor, content } of artifacts) await made.push(descriptor, content);
  return new OverlayStore(made, image);
}

/** A manifest without the name that it bears where it was found: somewhere else it has another, or none. */
export function withoutName(descriptor: Descriptor): Descriptor {
  const { annotations, ...rest } = descriptor;
  const { [REF_NAME]: _, ...others } = annotations ?? {};
  return Object.keys(others).length === 0 ? rest : { ...rest, annotations: others };
}
