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
import { isSociIndexEntry, readSociDocument, sociVersion, type ZtocReference } from '../inspect/soci-document.ts';
import {
  type GuidedZtoc,
  type GuidedZtocSettings,
  type IndexLimits,
  type ReusableLayer,
  resolveLimits,
  type ZtocSettings,
  type ZtocSource,
} from '../options.ts';
import { ANNOTATION_INDEX_DIGEST, MEDIA_TYPE_SOCI_INDEX_V1 } from '../vocabulary.ts';

/** Number of images to search before a layer is considered new. */
const DEFAULT_MAX_CANDIDATES = 64;

/** Number of candidates, of SOCI indexes per candidate, and of referrer lists read at the same time. */
const READS = 4;

/** Store of the candidates. Without `Resolver`, v2 indexes that a manifest names by digest are not found. */
type CandidateStore = Fetcher & ReferrerLister & Partial<Resolver>;

/** Options of {@link ReusableZtocs}. */
export interface ReuseOptions extends CallOptions {
  /** Maximum number of candidates to read. @default {@link DEFAULT_MAX_CANDIDATES} */
  readonly maxCandidates?: number;
  /**
   * Limits for each candidate. `maxReferences` also limits the number of zTOCs to remember, and `maxZtocsSize` the total
   * size of those that are read. @default see {@link IndexLimits}
   */
  readonly limits?: IndexLimits;
  /** Called for content that cannot be read and is skipped. @default no calls */
  readonly onSkipped?: (candidate: SkippedCandidate) => void;
}

/** Content that could not be read. The search continues without it. */
export interface SkippedCandidate {
  /** Descriptor of a candidate, SOCI index or zTOC. Absent if listing the candidates failed. */
  readonly descriptor?: Descriptor;
  /** Error that occurred when reading the content. */
  readonly error: unknown;
}

/** A zTOC in a SOCI index, with the tool name of the index. */
interface ListedZtoc extends ZtocReference {
  readonly buildToolIdentifier: string | undefined;
}

/**
 * Finds zTOCs in existing image indexes, image manifests or SOCI indexes. Reads candidates in their order, a few at a time,
 * until the requested zTOC is found, and each manifest only once. Uses only SOCI indexes with the same settings. Skips
 * content that cannot be read: `find` throws only the abort reason of a signal.
 */
export class ReusableZtocs implements ZtocSource {
  readonly #store: CandidateStore;
  readonly #candidates: AsyncIterator<Descriptor>;
  readonly #options: ReuseOptions;
  readonly #limits: Required<IndexLimits>;
  /** zTOCs found so far by layer digest, in the order of the candidates. */
  readonly #listed = new Map<string, ListedZtoc[]>();
  #count = 0;
  /** Total size of the zTOCs read so far, in bytes. */
  #size = 0;
  readonly #seen = new Set<string>();
  #candidatesLeft: number;
  /** Current call of `#readMore`. Concurrent calls of `find` share it. */
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
    const found = await this.#find(layer, (ztoc) => hasSettings(ztoc, settings), options);
    return found?.bytes;
  }

  async findGuided(
    layer: ReusableLayer,
    { buildToolIdentifier, readsDigest }: GuidedZtocSettings,
    options: CallOptions = {},
  ): Promise<GuidedZtoc | undefined> {
    const isWanted = (ztoc: ListedZtoc) =>
      ztoc.buildToolIdentifier === buildToolIdentifier &&
      (readsDigest === undefined ? ztoc.readsDigest !== undefined : ztoc.readsDigest === readsDigest);
    const found = await this.#find(layer, isWanted, options);
    return found && { bytes: found.bytes, readsDigest: found.ztoc.readsDigest as string };
  }

  /** Finds the first zTOC of a layer that is wanted and can be read. */
  async #find(
    layer: ReusableLayer,
    isWanted: (ztoc: ListedZtoc) => boolean,
    options: CallOptions,
  ): Promise<{ readonly ztoc: ListedZtoc; readonly bytes: Uint8Array } | undefined> {
    const signals = [options.signal, this.#options.signal].filter((signal) => signal !== undefined);
    const call = { signal: AbortSignal.any(signals) };
    for (let tried = 0; ; ) {
      const listed = this.#listed.get(layer.digest) ?? [];
      for (let ztoc = listed[tried]; ztoc !== undefined; ztoc = listed[tried]) {
        tried += 1;
        if (!hasFormat(ztoc, layer) || !isWanted(ztoc)) continue;
        const { descriptor } = ztoc;
        // Also counts zTOCs that turn out to be useless, because it is unknown when their memory is freed.
        if (this.#size + descriptor.size > this.#limits.maxZtocsSize) continue;
        this.#size += descriptor.size;
        const read = () => readVerified(this.#store, descriptor, { maxSize: this.#limits.maxZtocSize, ...call });
        const bytes = await this.#tryRead(descriptor, call, read);
        if (bytes !== undefined) return { ztoc, bytes };
      }
      this.#reading ??= this.#readMore(call);
      if (!(await this.#reading)) return undefined;
    }
  }

  /** Reads the next candidates. Returns false if there are no more. */
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
      const next = await this.#tryRead(undefined, call, () => this.#candidates.next());
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
    // One reader per candidate, so that its cache is freed afterwards.
    const reader = new ImageReader(this.#store, this.#limits, call.signal);
    const list = () => listCandidateIndexes(this.#store, reader, candidate, call);
    const indexes = await this.#tryRead(candidate, call, list);
    const unread = (indexes ?? []).filter(({ digest }) => digest === candidate.digest || this.#isNew(digest));
    const read = await mapInParallel(unread, READS, (index) => this.#readIndex(reader, index, call));
    return read.flat();
  }

  async #readIndex(reader: ImageReader, index: Descriptor, call: Required<CallOptions>): Promise<ListedZtoc[]> {
    const { mediaType, digest, size } = index;
    const document = await this.#tryRead({ mediaType, digest, size: Number(size) }, call, () =>
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

  /** Reads content. Returns undefined and reports if it fails, except when the signal is aborted. */
  async #tryRead<T>(
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

/** Returns whether a zTOC has a fixed span size and the other settings. */
function hasSettings({ spanSize, buildToolIdentifier, readsDigest }: ListedZtoc, settings: ZtocSettings): boolean {
  if (readsDigest !== undefined) return false;
  return spanSize === settings.spanSize && buildToolIdentifier === settings.buildToolIdentifier;
}

function hasFormat({ layerMediaType }: ListedZtoc, { compression }: ReusableLayer): boolean {
  const isGzip = layerCompression(layerMediaType) === 'gzip';
  return isGzip === (compression === 'gzip');
}

async function* iterate(candidates: AsyncIterable<Descriptor> | Iterable<Descriptor>): AsyncGenerator<Descriptor> {
  yield* candidates;
}

/** Lists the v2 SOCI indexes of a candidate: itself, listed or named by an annotation. Otherwise lists its v1 indexes. */
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
    const listed = entries.filter(isSociIndexEntry);
    if (listed.length > 0) return listed;
    const images = entries.filter((entry) => isImageManifest(entry.mediaType) && !isAttestation(entry));
    return (await mapInParallel(images, READS, (image) => listReferrers(store, image, count, options))).flat();
  }
  if (!isImageManifest(candidate.mediaType)) return [];
  const manifest = await reader.manifest(candidate);
  if (sociVersion(manifest) !== undefined) return [candidate];
  const named = manifest.annotations?.[ANNOTATION_INDEX_DIGEST];
  if (named !== undefined && store.resolve !== undefined) {
    return [await store.resolve(named, options)];
  }
  return listReferrers(store, candidate, count, options);
}

async function listReferrers(
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
