import {
  type ByteRange,
  type CallOptions,
  checkRange,
  type Fetcher,
  type Prober,
  type PushContent,
  type Pusher,
  type RangeFetcher,
  type ReferrerLister,
  type Resolver,
  type Tagger,
} from './content.ts';
import { bareDescriptor, type Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';
import { quoteText } from './escape-text.ts';
import { type Referral, readReferral } from './manifest.ts';
import { isManifestOrIndex } from './media-types.ts';
import { verifyStream } from './read.ts';

/** Options of {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** Maximum total size of the content, in bytes. @default 1 GiB */
  readonly maxMemory?: number;
}

const DEFAULT_MAX_MEMORY = 2 ** 30;

/** Large enough for few chunks, small enough that copying a chunk needs little memory. */
const CHUNK_SIZE = 1 << 20;

/** A content store in memory. Content is copied on push and fetch, so the store owns its bytes. */
export class MemoryStore implements Fetcher, RangeFetcher, Pusher, Prober, Resolver, Tagger, ReferrerLister {
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #manifests = new Map<string, Descriptor>();
  readonly #tags = new Map<string, Descriptor>();
  readonly #referrals = new Map<string, Referral>();
  readonly #maxMemory: number;
  #used = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.#maxMemory = options.maxMemory ?? DEFAULT_MAX_MEMORY;
  }

  async *fetch(target: Descriptor, options: CallOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const blob = this.#blob(target);
    for (let offset = 0; offset < blob.length; offset += CHUNK_SIZE) {
      options.signal?.throwIfAborted();
      yield blob.slice(offset, offset + CHUNK_SIZE);
    }
  }

  async fetchRange(target: Descriptor, range: ByteRange, options: CallOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    const blob = this.#blob(target);
    checkRange(range, blob.length, target.digest);
    return blob.slice(range.offset, range.offset + range.length);
  }

  /** @throws OciError `LIMIT_EXCEEDED` if the store is full; `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `MANIFEST_INVALID`. */
  async push(target: Descriptor, content: PushContent, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const { digest, size } = target;
    if (this.#blobs.has(digest)) {
      this.#keepManifest(target, this.#blob(target));
      return;
    }
    // Space is reserved before the content arrives, because concurrent pushes share it.
    const room = this.#maxMemory - this.#used;
    if (size > room) {
      throw new OciError('LIMIT_EXCEEDED', `${digest} has ${size} bytes, but the memory store has room for ${room}`);
    }
    this.#used += size;
    let isKept = false;
    try {
      const blob = await this.#receive(target, content, options);
      this.#keepManifest(target, blob);
      isKept = !this.#blobs.has(digest);
      this.#blobs.set(digest, blob);
    } finally {
      if (!isKept) this.#used -= size;
    }
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    return this.#blobs.get(target.digest)?.length === target.size;
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    options.signal?.throwIfAborted();
    const found = this.#tags.get(reference) ?? this.#manifests.get(reference);
    if (found !== undefined) return found;
    const tags = [...this.#tags.keys()].slice(0, 20).join(', ') || 'none';
    const message = `the memory store has no manifest ${quoteText(reference)}. Its tags are: ${tags}`;
    throw new OciError('NOT_FOUND', message);
  }

  /** @throws OciError `NOT_FOUND` if the content does not exist. */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    this.#blob(target);
    this.#tags.set(reference, target);
  }

  async *referrers(
    subject: Descriptor,
    artifactType?: string,
    options: CallOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    for (const { subject: digest, referrer } of this.#referrals.values()) {
      options.signal?.throwIfAborted();
      const wanted = artifactType === undefined || referrer.artifactType === artifactType;
      if (digest === subject.digest && wanted) yield referrer;
    }
  }

  #keepManifest(target: Descriptor, blob: Uint8Array): void {
    if (!isManifestOrIndex(target.mediaType)) return;
    const referral = readReferral(target, blob);
    if (referral !== undefined) this.#referrals.set(target.digest, referral);
    this.#manifests.set(target.digest, bareDescriptor(target));
  }

  #blob({ digest, mediaType, size }: Descriptor): Uint8Array {
    const blob = this.#blobs.get(digest);
    if (blob === undefined) throw new OciError('NOT_FOUND', `${digest} (${mediaType}) is not in the memory store`);
    if (blob.length !== size) {
      throw new OciError('SIZE_MISMATCH', `${digest} has ${blob.length} bytes, expected ${size}`);
    }
    return blob;
  }

  /** Collects the content as it arrives: a large size in a descriptor alone allocates nothing. */
  async #receive(target: Descriptor, content: PushContent, options: CallOptions): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    const source = content instanceof Uint8Array ? [content] : content;
    for await (const chunk of verifyStream(source, target, options)) chunks.push(new Uint8Array(chunk)); // not slice(): a Buffer's shares its memory
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : concatenate(chunks, target.size);
  }
}

function concatenate(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
