import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  isImageIndex,
  OciError,
  type Platform,
  readVerified,
} from '@soci/oci';
import { decodeZtoc, type Ztoc, ZtocError, type ZtocLimits } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { ImageReader } from '../image/image-reader.ts';
import type { PrefetchReference, SociDocument, ZtocReference } from '../inspect/soci-document.ts';
import { checkInteger, type IndexLimits, resolveLimits } from '../options.ts';
import { checkZtoc } from '../warnings/find-layer-warnings.ts';
import type { LayerWarning } from '../warnings/layer-warning.ts';
import { findSymlinkWrites } from '../warnings/symlink-writes.ts';
import { findIndexes } from './find-indexes.ts';
import type { Problem } from './problem.ts';
import { type LayerReadBack, verifyLayer } from './verify-layer.ts';

/** Options of {@link verifySociIndex}. */
export interface VerifyOptions extends CallOptions {
  /** Number of files to verify in each layer, selected by {@link VerifyOptions.seed}. 0 verifies no files. @default all files */
  readonly sample?: number;
  /** Seed of the sample. The same seed selects the same files. @default 0 */
  readonly seed?: number;
  /** Limits for indexes. @default see {@link IndexLimits} */
  readonly limits?: IndexLimits;
  /** Limits for layers. @default see `ZtocLimits` of `@soci/ztoc` */
  readonly layerLimits?: ZtocLimits;
  /** Called while layers are read. @default no calls */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** Progress of the verification of one layer. */
export interface VerifyProgress {
  readonly layer: string;
  /** Bytes of the layer read so far. */
  readonly bytes: number;
  /** Bytes of the layer. */
  readonly size: number;
}

/** Result of {@link verifySociIndex}. */
export interface VerifyReport {
  /** `invalid` if one of the lists of problems has an entry. */
  readonly outcome: 'valid' | 'invalid';
  readonly indexes: readonly IndexVerification[];
  /** One entry for each zTOC. A zTOC that is in several indexes is read once. */
  readonly layers: readonly LayerVerification[];
  /** Problems of the image as a whole. */
  readonly problems: readonly Problem[];
}

/** Result for one SOCI index. */
export interface IndexVerification {
  readonly index: Descriptor;
  readonly version: 1 | 2;
  readonly platform?: Platform;
  /** The image manifest of the index. */
  readonly manifest?: Descriptor;
  /** Number of zTOCs in the index. */
  readonly ztocs: number;
  readonly problems: readonly Problem[];
}

/** Result for one zTOC and its layer. */
export interface LayerVerification extends LayerReadBack {
  readonly layer: string;
  readonly mediaType: string;
  /** Bytes of the layer. */
  readonly size: number;
  readonly ztoc: Descriptor;
  /** What the runtime does differently than expected, worst first. A warning is not a problem of the index. */
  readonly warnings: readonly LayerWarning[];
}

/**
 * Verifies a SOCI index against its image: annotations, manifests and layers must match, every zTOC must belong to its
 * layer, and files read through the spans must equal those of the layer, decompressed by another decoder. Reads each layer
 * once and keeps one span in memory.
 *
 * @param store - Store of the index and the image.
 * @param target - A SOCI-enabled image, or a v1 or v2 SOCI index manifest. A v2 index does not name its image: its layers
 *   are found by its annotations.
 * @throws SociIndexError `NOT_A_SOCI_INDEX`, `LIMIT_EXCEEDED`, `OPTION_INVALID`; errors of `store`, except for missing or
 *   damaged content, which is reported as a problem; the abort reason of `options.signal`.
 */
export async function verifySociIndex(
  store: Fetcher,
  target: Descriptor,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const { sample, seed = 0, signal, layerLimits = {}, onProgress } = options;
  if (sample !== undefined) checkInteger('sample', sample, 0);
  const limits = resolveLimits(options.limits);
  const reader = new ImageReader(store, limits, signal);
  const { found, problems } = await findIndexes(reader, target, limits);
  if (found.length === 0 && problems.length === 0) {
    const what = isImageIndex(target.mediaType) ? 'lists no SOCI index' : 'is not a SOCI index';
    const message = `${target.digest} ${what}. Convert the image first`;
    throw new SociIndexError('NOT_A_SOCI_INDEX', message, { digest: target.digest });
  }
  const readOptions = { maxSize: limits.maxZtocSize, ...(signal && { signal }) };
  const layers = new Map<string, LayerVerification>();
  const ztocs = new Map<string, number>();
  const directories = new Map<string, readonly string[]>();
  for (const { document, image } of found) {
    const sizes = new Map(image?.map(({ digest, size }) => [digest, size]));
    for (const reference of document.ztocs) {
      const key = `${reference.descriptor.digest} ${reference.layerDigest}`;
      if (layers.has(key)) continue;
      const read = await readZtoc(store, reference, readOptions);
      const size = sizes.get(reference.layerDigest);
      const layer = { digest: reference.layerDigest, mediaType: reference.layerMediaType };
      const descriptor = { ...layer, size: size ?? ('ztoc' in read ? read.ztoc.compressedArchiveSize : 0) };
      const readBack =
        'ztoc' in read
          ? await verifyLayer(store, descriptor, read.ztoc, {
              sample,
              seed,
              maxSpanLength: limits.maxSpanLength,
              layerLimits,
              signal,
              onBytes: (bytes) => onProgress?.({ layer: layer.digest, bytes, size: descriptor.size }),
            })
          : { files: 0, filesRead: 0, spans: 0, spansRead: 0, problems: [read.problem] };
      ztocs.set(reference.layerDigest, readBack.spans);
      const { digest, ...rest } = descriptor;
      const found = 'ztoc' in read ? checkZtoc(read.ztoc, reference.descriptor.size) : undefined;
      if (found) directories.set(digest, found.impliedDirectories);
      const { warnings = [] } = found ?? {};
      layers.set(key, { layer: digest, ...rest, ztoc: reference.descriptor, ...readBack, warnings });
    }
  }
  for (const { document, image } of found) {
    const references = new Map(document.ztocs.map((reference) => [reference.layerDigest, reference]));
    const digests = (image ?? []).map(({ digest }) => digest);
    const writes = await findSymlinkWrites(digests, directories, async (layer) => {
      const reference = references.get(layer);
      const read = reference && (await readZtoc(store, reference, readOptions));
      return read && 'ztoc' in read ? read.ztoc.files : undefined;
    });
    for (const [layer, warning] of writes) {
      const key = `${references.get(layer)?.descriptor.digest} ${layer}`;
      const verified = layers.get(key);
      if (verified && !verified.warnings.some(({ code }) => code === warning.code)) {
        layers.set(key, { ...verified, warnings: [...verified.warnings, warning] });
      }
    }
  }
  const indexes = await Promise.all(
    found.map(async ({ document, manifest, platform, problems }) => ({
      index: document.descriptor,
      version: document.version,
      ...(platform && { platform }),
      ...(manifest && { manifest }),
      ztocs: document.ztocs.length,
      problems: [...problems, ...(await checkPrefetches(store, document, ztocs, readOptions))],
    })),
  );
  const isValid = [{ problems }, ...indexes, ...layers.values()].every((part) => part.problems.length === 0);
  return { outcome: isValid ? 'valid' : 'invalid', indexes, layers: [...layers.values()], problems };
}

type ReadOptions = CallOptions & { readonly maxSize: number };

/** Reads a zTOC. Returns a problem if it is missing or invalid. */
async function readZtoc(
  store: Fetcher,
  { descriptor }: ZtocReference,
  options: ReadOptions,
): Promise<{ readonly ztoc: Ztoc } | { readonly problem: Problem }> {
  try {
    return { ztoc: decodeZtoc(await readVerified(store, descriptor, options)) };
  } catch (error) {
    if (!isContentError(error)) throw error;
    return { problem: { code: 'ztoc-invalid', message: `zTOC ${descriptor.digest}: ${error.message}` } };
  }
}

async function checkPrefetches(
  store: Fetcher,
  { prefetches }: SociDocument,
  spansByLayer: ReadonlyMap<string, number>,
  options: ReadOptions,
): Promise<Problem[]> {
  const check = async ({ descriptor, layerDigest }: PrefetchReference): Promise<Problem[]> => {
    try {
      const content = await readVerified(store, descriptor, options);
      return checkPrefetch(descriptor.digest, content, spansByLayer.get(layerDigest));
    } catch (error) {
      if (!isContentError(error)) throw error;
      return [{ code: 'ztoc-invalid', message: `prefetch artifact ${descriptor.digest}: ${error.message}` }];
    }
  };
  return (await Promise.all(prefetches.map(check))).flat();
}

function isContentError(error: unknown): error is Error {
  if (error instanceof ZtocError) return error.code === 'ZTOC_INVALID';
  return error instanceof OciError && ['NOT_FOUND', 'SIZE_MISMATCH', 'DIGEST_MISMATCH'].includes(error.code);
}

/** Checks that a prefetch artifact lists spans of its layer (soci/prefetch.go, `UnmarshalPrefetchArtifact`). */
function checkPrefetch(digest: string, content: Uint8Array, spans: number | undefined): Problem[] {
  const invalid = (what: string): Problem[] => [
    { code: 'ztoc-invalid', message: `prefetch artifact ${digest} ${what}` },
  ];
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(content));
  } catch {
    return invalid('is not JSON');
  }
  const { version, prefetch_spans: list } = (document ?? {}) as { version?: unknown; prefetch_spans?: unknown };
  if (version !== '1.0' || !Array.isArray(list) || list.length === 0)
    return invalid('does not have version 1.0 and a list of spans');
  if (spans === undefined) return invalid('belongs to a layer without a zTOC');
  for (const entry of list as unknown[]) {
    const { start_span: start, end_span: end } = (entry ?? {}) as { start_span?: unknown; end_span?: unknown };
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) return invalid('has a span that is not a number');
    // The last span contains the byte after the file. In a plain tar, that span may be past the end of the layer.
    if ((start as number) < 0 || (end as number) < (start as number) || (end as number) > spans) {
      return invalid(`lists spans ${start} to ${end} of a layer with ${spans} spans`);
    }
  }
  return [];
}
