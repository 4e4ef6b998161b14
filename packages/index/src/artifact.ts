import type { Descriptor } from '@soci/oci';

/** What a piece of content is for. */
export type ArtifactKind = 'ztoc' | 'prefetch' | 'soci-config' | 'soci-index' | 'image-manifest' | 'image-index';

/** A piece of content that was made, to be pushed under its descriptor. */
export interface Artifact {
  readonly kind: ArtifactKind;
  readonly descriptor: Descriptor;
  readonly content: Uint8Array;
}

/** Content that was made, in the order in which it must be pushed, each piece once. */
export class ArtifactList {
  readonly #artifacts = new Map<string, Artifact>();

  /** Adds content whose leaves were added before it. */
  add(...artifacts: readonly Artifact[]): void {
    for (const artifact of artifacts) {
      if (!this.#artifacts.has(artifact.descriptor.digest)) this.#artifacts.set(artifact.descriptor.digest, artifact);
    }
  }

  /** All that was added, leaves before roots. */
  list(): readonly Artifact[] {
    return [...this.#artifacts.values()];
  }
}
