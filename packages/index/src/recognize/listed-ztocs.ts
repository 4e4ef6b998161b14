import { type Descriptor, type Fetcher, isImageConfig, isImageManifest, type Platform, readVerified } from '@soci/oci';
import type { PlatformPlan } from '../convert/plan-image.ts';
import type { ZtocRecord } from '../convert/soci-manifest.ts';
import type { ImageReader } from '../image/image-reader.ts';
import { listPlatforms } from '../image/select.ts';
import { mapInParallel } from '../in-parallel.ts';
import type { SociDocument, ZtocReference } from '../inspect/soci-document.ts';
import { type LayerTask, taskKey, toLayerSettings } from '../layers/layer-plan.ts';
import { checkReusableZtoc } from '../layers/reusable-ztoc.ts';
import type { ResolvedOptions } from '../options.ts';
import { type NotRecognized, notRecognized } from './recognition.ts';

/** Number of zTOCs or SOCI indexes read at the same time. */
export const RECOGNITION_READS = 8;

/**
 * Collects the zTOCs of all layers to index from existing SOCI indexes. Reads a zTOC only if the index does not contain
 * the required information: the spans of files to prefetch, or whether the layer has extended attributes.
 *
 * @returns The zTOCs by {@link taskKey}.
 */
export async function collectListedZtocs(
  store: Fetcher,
  documents: readonly SociDocument[],
  plans: readonly Pick<PlatformPlan, 'layers'>[],
  options: ResolvedOptions,
): Promise<ReadonlyMap<string, ZtocRecord> | NotRecognized> {
  const difference = findOtherSettings(documents, options);
  if (difference !== undefined) return difference;
  const listed = new Map<string, ZtocReference>();
  for (const ztoc of documents.flatMap(({ ztocs }) => ztocs)) {
    const key = `${ztoc.layerMediaType} ${ztoc.layerDigest}`;
    if (!listed.has(key)) listed.set(key, ztoc);
  }
  const wanted = new Map<string, { readonly task: LayerTask; readonly reference: ZtocReference }>();
  for (const layer of plans.flatMap(({ layers }) => layers)) {
    if ('skipped' in layer) continue;
    const { mediaType, digest } = layer.descriptor;
    const reference = listed.get(`${mediaType} ${digest}`);
    if (reference === undefined) return notRecognized('other-layers', `layer ${digest} is not in the existing index`);
    wanted.set(taskKey(layer.task), { task: layer.task, reference });
  }
  const entries = await mapInParallel([...wanted], RECOGNITION_READS, async ([key, { task, reference }]) => {
    return [key, await describeListedZtoc(store, task, reference, options)] as const;
  });
  const ztocs = new Map<string, ZtocRecord>();
  for (const [key, ztoc] of entries) {
    if ('outcome' in ztoc) return ztoc;
    ztocs.set(key, ztoc);
  }
  return ztocs;
}

/** Returns a result if a SOCI index was built with different settings. */
export function findOtherSettings(
  documents: readonly SociDocument[],
  options: ResolvedOptions,
): NotRecognized | undefined {
  const { spanSize, buildToolIdentifier, markMissingXattrs, prefetchFiles } = options;
  for (const { descriptor, ztocs, prefetches, ...document } of documents) {
    const isOther =
      document.buildToolIdentifier !== buildToolIdentifier ||
      ztocs.some((ztoc) => !hasSpanSize(ztoc, spanSize) || (ztoc.disablesXattrs && !markMissingXattrs)) ||
      (prefetches.length > 0 && prefetchFiles.length === 0 && spanSize !== 'auto');
    if (isOther)
      return notRecognized('other-settings', `SOCI index ${descriptor.digest} was built with different settings`);
  }
  return undefined;
}

function hasSpanSize({ spanSize, readsDigest }: ZtocReference, wanted: number | 'auto'): boolean {
  return wanted === 'auto' ? readsDigest !== undefined : readsDigest === undefined && spanSize === wanted;
}

/** Reads a listed zTOC if necessary. */
async function describeListedZtoc(
  store: Fetcher,
  task: LayerTask,
  { descriptor, spanSize, disablesXattrs }: ZtocReference,
  options: ResolvedOptions,
): Promise<ZtocRecord | NotRecognized> {
  const { markMissingXattrs, prefetchFiles, limits, signal } = options;
  if (prefetchFiles.length === 0 && (disablesXattrs || !markMissingXattrs)) {
    const { digest, size } = descriptor;
    return { ztocDigest: digest, ztocSize: size, spanSize, hasXattrs: !disablesXattrs, prefetch: [] };
  }
  const bytes = await readVerified(store, descriptor, { maxSize: limits.maxZtocSize, ...(signal && { signal }) });
  const ztoc = checkReusableZtoc(bytes, task, toLayerSettings(options), limits.maxZtocSize);
  if ('rejected' in ztoc) return notRecognized('unreadable', `zTOC ${descriptor.digest}: ${ztoc.message}`);
  return prefetchFiles.length === 0 ? ztoc : { ...ztoc, ztoc: bytes };
}

/**
 * Lists platforms like `listPlatforms`, but saves a request: if the platform of a single manifest is only in its
 * configuration, returns `assumed` instead of reading it. A wrong assumption leads to a different image and is detected
 * by the comparison.
 */
export async function listKnownPlatforms(
  reader: ImageReader,
  image: Descriptor,
  assumed: Platform | undefined,
  options: ResolvedOptions,
): Promise<Platform[]> {
  if (assumed === undefined || !isImageManifest(image.mediaType) || image.platform !== undefined) {
    return listPlatforms(reader, image, options);
  }
  const { config, layers } = await reader.manifest(image);
  const needsConfig = isImageConfig(config.mediaType) && [config, ...(layers ?? [])].every((each) => !each.platform);
  return needsConfig ? [assumed] : listPlatforms(reader, image, options);
}
