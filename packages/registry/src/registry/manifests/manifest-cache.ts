import type { Descriptor } from '@soci/oci';

/** 16 MiB: the manifests of any image, and no more than four of the largest that a registry takes. */
const MAX_CACHED_BYTES = 2 ** 24;

/** Verified manifests by digest, so that resolving, reading and tagging one costs one request; the oldest give way. */
export class ManifestCache {
  readonly #manifests = new Map<string, Uint8Array>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number = MAX_CACHED_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The bytes of a manifest; not to be changed. Undefined where it is not here, or has another size than it says. */
  get({ digest, size }: Descriptor): Uint8Array | undefined {
    const raw = this.#manifests.get(digest);
    return raw?.length === size ? raw : undefined;
  }

  /** Keeps a manifest. The caller has checked that its digest is that of the bytes. */
  add(digest: string, raw: Uint8Array): void {
    this.delete(digest);
    this.#manifests.set(digest, raw);
    this.#bytes += raw.length;
    for (const oldest of this.#manifests.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
  }

  /** Forgets a manifest. */
  delete(digest: string): void {
    this.#bytes -= this.#manifests.get(digest)?.length ?? 0;
    this.#manifests.delete(digest);
  }
}
