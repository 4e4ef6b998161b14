import {
  ANNOTATION_IMAGE_MANIFEST_DIGEST,
  ANNOTATION_INDEX_DIGEST,
  ANNOTATION_LAYER_DIGEST,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_SPAN_SIZE,
  MEDIA_TYPE_PREFETCH,
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
} from '@soci/index';
import {
  type Descriptor,
  isImageConfig,
  isImageIndex,
  isImageManifest,
  OciError,
  type Platform,
  parseImageConfig,
  parseImageIndex,
  parseManifest,
  platformMatches,
  readVerified,
} from '@soci/oci';
import type { Repository } from '@soci/registry';
import type { RegistryLocation } from '../transports/location.ts';
import type {
  Counterpart,
  ExaminedImage,
  ExaminedIndex,
  PlatformEntry,
  RegistryEvidence,
  Unread,
  V1Evidence,
} from './evidence.ts';
import { readLayerFacts } from './read-layers.ts';
import { OUT_OF_REQUESTS, type RequestBudget } from './request-budget.ts';

/** Maximum number of v1 indexes that are listed. More than one is already a cause. */
const MAX_V1_INDEXES = 20;

/** Platform of an image whose configuration was not read, and of most images. */
const USUAL_PLATFORM: Platform = { os: 'linux', architecture: 'amd64' };

/** What {@link readRegistry} reads. */
export interface RegistryReading {
  readonly location: RegistryLocation;
  /** Tag of the image, if it is known. */
  readonly ownTag: string | undefined;
  readonly repository: Repository;
  /** Platform to examine. @default linux/amd64, or else the first one with a SOCI index */
  readonly platform: Platform | undefined;
  /** Tag that an index of the image has. @default none */
  readonly indexTag: (image: { readonly tag?: string; readonly digest: string }) => string | undefined;
  /** Tag of the original image of a SOCI-enabled one. Undefined for other tags. */
  readonly originalTag: (tag: string) => string | undefined;
  readonly budget: RequestBudget;
  readonly signal: AbortSignal;
}

/**
 * Reads everything about an image that the registry knows, in few requests. What a request does not return is part of the
 * result, except a reference that does not exist.
 *
 * @throws OciError `NOT_FOUND` and others; RegistryError
 */
export async function readRegistry(reading: RegistryReading): Promise<RegistryEvidence> {
  const { location, repository, signal, budget } = reading;
  const reference = location.digest ?? location.tag ?? 'latest';
  const root = await repository.resolve(reference, { signal });
  const { platforms, listedIndexes, annotations } = await readRoot(reading, root);
  const chosen = choosePlatform(platforms, reading.platform);
  const image = chosen && (await readImage(reading, chosen).catch(nothingIfMissing));
  const base = {
    name: location.text,
    host: location.host,
    repository: location.repository,
    tag: location.digest === undefined ? reference : location.tag,
    isPinned: location.digest !== undefined,
    root,
    platforms,
    listedIndexes,
    ...(reading.platform && { wantedPlatform: reading.platform }),
  };
  if (image === undefined) {
    return { ...base, ...(chosen && { unreadable: chosen.descriptor }), formats: new Map(), requests: budget.used };
  }
  const index = await readIndex(reading, image, listedIndexes);
  const original = index === undefined && listedIndexes.length === 0 ? undefined : await findOriginal(reading);
  // An image that is SOCI-enabled for another platform has no counterpart.
  const isOriginal =
    index === undefined && listedIndexes.length === 0 && annotations[ANNOTATION_SOURCE_DIGEST] === undefined;
  const counterpart = isOriginal ? await readCounterpart(reading, root, image) : undefined;
  const v1 = index === undefined ? await readV1(reading, image) : undefined;
  budget.addLayers(image.layers.length);
  const facts = await readLayerFacts(reading, image, index);
  return {
    ...base,
    image,
    ...(original !== undefined && { original }),
    ...(facts.index && { index: facts.index }),
    ...(counterpart && { counterpart }),
    ...(v1 && { v1 }),
    formats: facts.formats,
    ...(facts.ranges && { ranges: facts.ranges }),
    requests: budget.used,
  };
}

/** The root can list a manifest that the repository does not have. */
function nothingIfMissing(error: unknown): undefined {
  if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}

interface RootFacts {
  readonly platforms: readonly PlatformEntry[];
  readonly listedIndexes: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Lists the images and the SOCI indexes of the root. The root is read already. */
async function readRoot({ repository, signal }: RegistryReading, root: Descriptor): Promise<RootFacts> {
  const bytes = await readVerified(repository, root, { signal });
  if (!isImageIndex(root.mediaType)) {
    const platforms = [{ descriptor: root, platform: undefined, isIndexed: false }];
    return { platforms, listedIndexes: [], annotations: {} };
  }
  const { manifests, annotations = {} } = parseImageIndex(bytes, root);
  const named = new Set(manifests.flatMap(({ annotations: own }) => own?.[ANNOTATION_INDEX_DIGEST] ?? []));
  // Some tools copy the entry of a SOCI index without its artifact type.
  const isIndex = ({ artifactType, digest }: Descriptor) =>
    artifactType === MEDIA_TYPE_SOCI_INDEX_V2 || named.has(digest);
  const listedIndexes = manifests.filter(isIndex);
  const owners = new Set(
    listedIndexes.flatMap(({ annotations: own }) => own?.[ANNOTATION_IMAGE_MANIFEST_DIGEST] ?? []),
  );
  const platforms = manifests
    .filter((entry) => isImageManifest(entry.mediaType) && !isIndex(entry) && isRunnable(entry))
    .map((descriptor) => ({
      descriptor,
      platform: descriptor.platform,
      isIndexed: owners.has(descriptor.digest) || descriptor.annotations?.[ANNOTATION_INDEX_DIGEST] !== undefined,
    }));
  return { platforms, listedIndexes, annotations };
}

/** Attestations have the platform `unknown/unknown`. */
function isRunnable({ platform }: Descriptor): boolean {
  return platform?.os !== 'unknown' && platform?.architecture !== 'unknown';
}

function choosePlatform(platforms: readonly PlatformEntry[], wanted: Platform | undefined): PlatformEntry | undefined {
  const matching = (platform: Platform) =>
    platforms.filter((entry) => entry.platform && platformMatches(platform, entry.platform));
  if (wanted !== undefined) {
    const unknown = platforms.length === 1 && platforms[0]?.platform === undefined ? platforms[0] : undefined;
    return matching(wanted)[0] ?? unknown;
  }
  const [usual] = matching(USUAL_PLATFORM);
  if (usual?.isIndexed) return usual;
  return platforms.find(({ isIndexed }) => isIndexed) ?? usual ?? platforms[0];
}

async function readImage(
  reading: RegistryReading,
  { descriptor, platform }: PlatformEntry,
): Promise<ExaminedImage | undefined> {
  const { repository, signal, budget } = reading;
  const {
    config,
    layers,
    annotations = {},
  } = parseManifest(await readVerified(repository, descriptor, { signal }), descriptor);
  if (!isImageConfig(config.mediaType)) return undefined;
  return {
    descriptor,
    // A registry may redirect the request.
    platform: platform ?? (budget.allows(2) ? await readPlatform(reading, config) : undefined),
    config,
    layers,
    namedIndex: annotations[ANNOTATION_INDEX_DIGEST],
  };
}

/** Returns undefined if the configuration cannot be read: the platform is only for users. */
async function readPlatform(
  { repository, signal }: RegistryReading,
  config: Descriptor,
): Promise<Platform | undefined> {
  try {
    return parseImageConfig(await readVerified(repository, config, { signal })).platform;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Reads the SOCI index that the image names or, if it names none, the one that the root lists for it. */
async function readIndex(
  { repository, signal }: RegistryReading,
  image: ExaminedImage,
  listed: readonly Descriptor[],
): Promise<ExaminedIndex | undefined> {
  const digest =
    image.namedIndex ??
    listed.find(({ annotations }) => annotations?.[ANNOTATION_IMAGE_MANIFEST_DIGEST] === image.descriptor.digest)
      ?.digest;
  if (digest === undefined) return undefined;
  try {
    const manifest = await repository.readManifest(digest, { signal });
    if (manifest === undefined) return { digest, state: 'missing', ztocs: [] };
    const { config, layers } = parseManifest(manifest.content);
    if (config.mediaType !== MEDIA_TYPE_SOCI_INDEX_V2) return { digest, state: 'invalid', ztocs: [] };
    const ztocs = layers.filter(({ mediaType }) => mediaType !== MEDIA_TYPE_PREFETCH);
    return { digest, state: 'present', ztocs: ztocs.map(describeZtoc) };
  } catch (error) {
    if (error instanceof OciError) return { digest, state: 'invalid', ztocs: [] };
    throw error;
  }
}

function describeZtoc(descriptor: Descriptor): ExaminedIndex['ztocs'][number] {
  const { annotations = {} } = descriptor;
  const spanSize = Number(annotations[ANNOTATION_SPAN_SIZE] ?? Number.NaN);
  return {
    descriptor,
    layer: annotations[ANNOTATION_LAYER_DIGEST] ?? '',
    spanSize: Number.isSafeInteger(spanSize) && spanSize > 0 ? spanSize : undefined,
    state: 'not-checked',
  };
}

/** Returns the tag of the original image of the reference, if it has one that exists. */
export async function findOriginal({
  location,
  repository,
  originalTag,
  budget,
  signal,
}: RegistryReading): Promise<string | undefined> {
  const tag = location.digest === undefined ? originalTag(location.tag ?? 'latest') : undefined;
  if (tag === undefined || !budget.allows(1)) return undefined;
  return (await repository.findManifest(tag, { signal })) === undefined ? undefined : tag;
}

/** Looks for the SOCI-enabled version of an image under the tag that it has by convention. */
async function readCounterpart(
  { repository, signal, budget, indexTag, location, ownTag }: RegistryReading,
  root: Descriptor,
  image: ExaminedImage,
): Promise<Counterpart | Unread | undefined> {
  const own = location.digest === undefined ? (location.tag ?? 'latest') : ownTag;
  const tag = indexTag({ digest: root.digest, ...(own !== undefined && { tag: own }) });
  if (tag === undefined || tag === own) return undefined;
  if (!budget.allows(1)) return { unread: OUT_OF_REQUESTS };
  let other: Descriptor;
  try {
    other = await repository.resolve(tag, { signal });
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return { tag, state: 'none' };
    if (error instanceof OciError && error.code === 'REFERENCE_INVALID') return undefined;
    signal.throwIfAborted();
    return { unread: (error as Error).message };
  }
  const { digest } = other;
  if (!isImageIndex(other.mediaType)) return { tag, state: 'not-indexed', digest };
  const { manifests, annotations = {} } = parseImageIndex(await readVerified(repository, other, { signal }), other);
  if (!manifests.some(({ artifactType }) => artifactType === MEDIA_TYPE_SOCI_INDEX_V2)) {
    return { tag, state: 'not-indexed', digest };
  }
  const source = annotations[ANNOTATION_SOURCE_DIGEST];
  if (source !== undefined) return { tag, state: source === root.digest ? 'indexed' : 'other', digest };
  // Other tools do not record the source. The configuration is the same.
  const entry = manifests.find(
    (each) => isImageManifest(each.mediaType) && each.artifactType === undefined && isSamePlatform(each, image),
  );
  if (entry === undefined) return { tag, state: 'other', digest };
  if (!budget.allows(1)) return { unread: OUT_OF_REQUESTS };
  const { config } = parseManifest(await readVerified(repository, entry, { signal }), entry);
  return { tag, state: config.digest === image.config.digest ? 'indexed' : 'other', digest };
}

function isSamePlatform({ platform }: Descriptor, image: ExaminedImage): boolean {
  return platform === undefined || image.platform === undefined || platformMatches(image.platform, platform);
}

async function readV1(
  { repository, signal, budget }: RegistryReading,
  image: ExaminedImage,
): Promise<V1Evidence | Unread> {
  // A registry without the referrers API takes a second request.
  if (!budget.allows(2)) return { unread: OUT_OF_REQUESTS };
  const indexes: Descriptor[] = [];
  try {
    for await (const referrer of repository.referrers(image.descriptor, MEDIA_TYPE_SOCI_INDEX_V1, { signal })) {
      indexes.push(referrer);
      if (indexes.length >= MAX_V1_INDEXES) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    return { unread: (error as Error).message };
  }
  return { indexes };
}
