import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  isImageIndex,
  isImageManifest,
  layerCompression,
  type ReferrerLister,
  type Resolver,
  readVerified,
} from '@soci/oci';
import { ImageReader } from '../image/image-reader.ts';
import { mapInParallel } from '../in-parallel.ts';
import { isAttestation } from '../inspect/inspect-image.ts';
import { readSociDocument, sociVersion, type ZtocReference } from '../inspect/soci-document.ts';
import { type IndexLimits, type ReusableLayer, resolveLimits, type ZtocSettings, type ZtocSource } from '../options.ts';
import { ANNOTATION_INDEX_DIGEST, MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2 } from '../vocabulary.ts';

/** Images looked into before a layer is taken to be new: a few dozen releases. */
const DEFAULT_MAX_CANDIDATES = 64;

/** Candidates, SOCI indexes of each, and images of an image index whose referrers are asked for, at a time. */
const READS = 4;

/** Where SOCI indexes may be: names of v2 indexes are digests alone, which only a store that resolves can follow. */
type CandidateStore = Fetcher & ReferrerLister & Partial<Resolver>;

/** Options of {@link ReusableZtocs}. */
export interface ReuseOptions extends CallOptions {
  /** Candidates looked into, at the most. @default {@link DEFAULT_MAX_CANDIDATES} */
  readonly maxCandidates?: number;
  /** Bounds on what a hostile candidate may cost; `maxReferences` bounds the zTOCs that are remembered, too. @default see {@link IndexLimits} */
  readonly limits?: IndexLimits;
  /** Told of what could not be read and is passed over. @default nobody is told */
  readonly onSkipped?: (candidate: SkippedCandidate) => void;
}

/** Something that could not be read: the search goes on without it. */
export interface SkippedCandidate {
  /** A candidate, a SOCI index or a zTOC; absent where the list of candidates itself ended with an error. */
  readonly descriptor?: Descriptor;
  /** Why: it is gone, malformed, too large, or out of reach. */
  readonly error: unknown;
}

/** A zTOC as a SOCI index lists it, with the tool that made the index. */
interface ListedZtoc extends ZtocReference {
  readonly buildToolIdentifier: string | undefined;
}

/**
 * Looks for zTOCs in image indexes, image manifests or SOCI indexes, the likeliest first, a few at a time and only as
 * far as the layers asked for need it; each manifest is read once. Only SOCI indexes made with the same settings count.
 * What cannot be read is passed over: `find` throws nothing but the reason of a signal.
 */
export class ReusableZtocs implements ZtocSource {
  readonly #store: CandidateStore;
  readonly #candidates: AsyncIterator<Descriptor>;
  readonly #options: ReuseOptions;
  readonly #limits: Required<IndexLimits>;
  /** What was listed so far, by the digest of the layer, in the order of the candidates. */
  readonly #listed = new Map<string, ListedZtoc[]>();
  #count = 0;
  readonly #seen = new Set<string>();
  #candidatesLeft: number;
  /** Whoever needs more waits for the same reading. */
  #reading: Promise<boolean> | undefined;

  constructor(
    store: CandidateStore,
    candidates: AsyncIterable<Descriptor> | Iterable<Descriptor>,
    options: ReuseOptions = {},
  ) {
    this.#store = store;
    this.#candidates = iterate(candidates);
    this.#options = options;
    this.#limits = resolveLimits(options.limits);
    this.#candidatesLeft = options.maxCandidates ?? DEFAULT_MAX_CANDIDATES;
  }

  async find(layer: ReusableLayer, settings: ZtocSettings, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const signals = [options.signal, this.#options.signal].filter((signal) => signal !== undefined);
    const call = { signal: AbortSignal.any(signals) };
    for (let tried = 0; ; ) {
      const listed = this.#listed.get(layer.digest) ?? [];
      for (let ztoc = listed[tried]; ztoc !== undefined; ztoc = listed[tried]) {
        tried += 1;
        if (!suits(ztoc, layer, settings)) continue;
        const { descriptor } = ztoc;
        const read = () => readVerified(this.#store, descriptor, { maxSize: this.#limits.maxZtocSize, ...call });
        const bytes = await this.#passOver(descriptor, call, read);
        if (bytes !== undefined) return bytes;
      }
      this.#reading ??= this.#readMore(call);
      if (!(await this.#reading)) return undefined;
    }
  }

  /** Looks into the next candidates; false when there are no more. */
  async #readMore(call: Required<CallOptions>): Promise<boolean> {
    try {
      const batch = await this.#nextCandidates(call);
      const found = await mapInParallel(batch, READS, (candidate) => this.#readCandidate(candidate, call));
      for (const ztoc of found.flat()) this.#remember(ztoc);
      return batch.length > 0;
    } finally {
      this.#reading = undefined;
    }
  }

  async #nextCandidates(call: Required<CallOptions>): Promise<Descriptor[]> {
    const batch: Descriptor[] = [];
    while (batch.length < READS && this.#candidatesLeft > 0) {
      const next = await this.#passOver(undefined, call, () => this.#candidates.next());
      if (next === undefined || next.done) {
        this.#candidatesLeft = 0;
        break;
      }
      this.#candidatesLeft -= 1;
      if (this.#candidatesLeft === 0) await this.#candidates.return?.();
      if (this.#isNew(next.value.digest)) batch.push(next.value);
    }
    return batch;
  }

  async #readCandidate(candidate: Descriptor, call: Required<CallOptions>): Promise<ListedZtoc[]> {
    // One reader a candidate: what it keeps goes when the candidate is done.
    const reader = new ImageReader(this.#store, this.#limits, call.signal);
    const list = () => listCandidateIndexes(this.#store, reader, candidate, call);
    const indexes = await this.#passOver(candidate, call, list);
    const unread = (indexes ?? []).filter(({ digest }) => digest === candidate.digest || this.#isNew(digest));
    const read = await mapInParallel(unread, READS, (index) => this.#readIndex(reader, index, call));
    return read.flat();
  }

  async #readIndex(reader: ImageReader, index: Descriptor, call: Required<CallOptions>): Promise<ListedZtoc[]> {
    const { mediaType, digest, size } = index;
    const document = await this.#passOver({ mediaType, digest, size: Number(size) }, call, () =>
      readSociDocument(reader, index),
    );
    const { ztocs = [], buildToolIdentifier } = document ?? {};
    return ztocs.map((ztoc) => ({ ...ztoc, buildToolIdentifier }));
  }

  #remember(ztoc: ListedZtoc): void {
    if (this.#count === this.#limits.maxReferences) return;
    this.#count += 1;
    const listed = this.#listed.get(ztoc.layerDigest) ?? [];
    if (!listed.some(({ descriptor }) => descriptor.digest === ztoc.descriptor.digest)) listed.push(ztoc);
    this.#listed.set(ztoc.layerDigest, listed);
  }

  #isNew(digest: string): boolean {
    const isNew = !this.#seen.has(digest);
    this.#seen.add(digest);
    return isNew;
  }

  /** Does without what cannot be read, but for the reason of the caller's signal. */
  async #passOver<T>(
    descriptor: Descriptor | undefined,
    { signal }: Required<CallOptions>,
    read: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      signal.throwIfAborted();
      return await read();
    } catch (error) {
      signal.throwIfAborted();
      this.#options.onSkipped?.({ ...(descriptor && { descriptor }), error });
      return undefined;
    }
  }
}

function suits(ztoc: ListedZtoc, layer: ReusableLayer, settings: ZtocSettings): boolean {
  const { spanSize, buildToolIdentifier, layerMediaType } = ztoc;
  if (spanSize !== settings.spanSize || buildToolIdentifier !== settings.buildToolIdentifier) return false;
  const isGzip = layerCompression(layerMediaType) === 'gzip';
  return isGzip === (layer.compression === 'gzip');
}

async function* iterate(candidates: AsyncIterable<Descriptor> | Iterable<Descriptor>): AsyncGenerator<Descriptor> {
  yield* candidates;
}

/** Lists the v2 SOCI indexes that a candidate is, lists or names; if there is none, the v1 indexes that refer to it. */
async function listCandidateIndexes(
  store: CandidateStore,
  reader: ImageReader,
  candidate: Descriptor,
  options: CallOptions,
): Promise<Descriptor[]> {
  const count = reader.startWalk();
  if (isImageIndex(candidate.mediaType)) {
    const entries = (await reader.index(candidate)).manifests ?? [];
    count(entries.length);
    const listed = entries.filter(({ artifactType }) => artifactType === MEDIA_TYPE_SOCI_INDEX_V2);
    if (listed.length > 0) return listed;
    const images = entries.filter((entry) => isImageManifest(entry.mediaType) && !isAttestation(entry));
    return (await mapInParallel(images, READS, (image) => listReferring(store, image, count, options))).flat();
  }
  if (!isImageManifest(candidate.mediaType)) return [];
  const manifest = await reader.manifest(candidate);
  if (sociVersion(manifest) !== undefined) return [candidate];
  const named = manifest.annotations?.[ANNOTATION_INDEX_DIGEST];
  if (named !== undefined && store.resolve !== undefined) {
    return [await store.resolve(named, options)];
  }
  return listReferring(store, candidate, count, options);
}

async function listReferring(
  store: ReferrerLister,
  manifest: Descriptor,
  count: (references: number) => void,
  options: CallOptions,
): Promise<Descriptor[]> {
  const referring: Descriptor[] = [];
  for await (const descriptor of store.referrers(manifest, MEDIA_TYPE_SOCI_INDEX_V1, options)) {
    count(1);
    referring.push(descriptor);
  }
  return referring;
}
