import { type Descriptor, digestOf } from '@soci/oci';

/** The configuration of artifacts that are not images. Registries require one; it is not used. */
export const EMPTY_CONFIG = new TextEncoder().encode('{}');

/** Returns the descriptor of some content. */
export function describeContent(mediaType: string, content: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(content), size: content.length };
}
