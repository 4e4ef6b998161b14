import { type Descriptor, type Fetcher, isImageConfig, isImageManifest, type Platform, readVerified } from '@soci/oci';
import type { PlatformPlan } from '../convert/plan-image.ts';
import type { ZtocFacts } from '../convert/soci-manifest.ts';
import type { ImageReader } from '../image/image-reader.ts';
import { listPlatforms } from '../image/select.ts';
import { mapInParallel } from '../in-parallel.ts';
import type { SociDocument, ZtocReference } from '../inspect/soci-document.ts';
import { adoptZtoc } from '../layers/adopt-ztoc.ts';
import { type LayerTask, taskKey, toLayerSettings } from '../layers/layer-plan.ts';
import type { ResolvedOptions } from '../options.ts';
import { type NotRecognized, notRecognized } from './recognition.ts';

/** zTOCs, and SOCI indexes, that are read at a time. */
export const RECOGNITION_READS = 8;

/**
 * Takes from SOCI indexes the zTOCs of all layers to index. A zTOC is read only if the SOCI index does not say which
 * spans the files to prefetch lie in, or whether the layer has extended attributes. The result is by the key of the task.
 */
export async function takeZtocs(
  store: Fetcher,
  documents: readonly SociDocument[],
  plans: readonly Pick<PlatformPlan, 'layers'>[],
  options: ResolvedOptions,
): Promise<ReadonlyMap<string, ZtocFacts> | NotRecognized> {
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
    if (reference === undefined) return notRecognized('other-layers', `layer ${digest} is not indexed there`);
    wanted.set(taskKey(layer.task), { task: layer.task, reference });
  }
  const taken = await mapInParallel([...wanted], RECOGNITION_READS, async ([key, { task, reference }]) => {
    return [key, await takeZtoc(store, task, reference, options)] as const;
  });
  const ztocs = new Map<string, ZtocFacts>();
  for (const [key, ztoc] of taken) {
    if ('outcome' in ztoc) return ztoc;
    ztocs.set(key, ztoc);
  }
  return ztocs;
}

/** Whether a SOCI index says that it was made with other settings. */
export function findOtherSettings(
  documents: readonly SociDocument[],
  options: ResolvedOptions,
): NotRecognized | undefined {
  const { spanSize, buildToolIdentifier, markMissingXattrs, prefetchFiles } = options;
  for (const { descriptor, ztocs, prefetches, ...document } of documents) {
    const isOther =
      document.buildToolIdentifier !== buildToolIdentifier ||
      ztocs.some((ztoc) => ztoc.spanSize !== spanSize || (ztoc.disablesXattrs && !markMissingXattrs)) ||
      (prefetches.length > 0 && prefetchFiles.length === 0);
    if (isOther) return notRecognized('other-settings', `SOCI index ${descriptor.digest} was made with other settings`);
  }
  return undefined;
}

async function takeZtoc(
  store: Fetcher,
  task: LayerTask,
  { descriptor, disablesXattrs }: ZtocReference,
  options: ResolvedOptions,
): Promise<ZtocFacts | NotRecognized> {
  const { markMissingXattrs, prefetchFiles, limits, signal } = options;
  if (prefetchFiles.length === 0 && (disablesXattrs || !markMissingXattrs)) {
    const { digest, size } = descriptor;
    return { ztocDigest: digest, ztocSize: size, hasXattrs: !disablesXattrs, prefetch: [] };
  }
  const bytes = await readVerified(store, descriptor, { maxSize: limits.maxZtocSize, ...(signal && { signal }) });
  const ztoc = adoptZtoc(bytes, task, toLayerSettings(options), limits.maxZtocSize);
  return 'refused' in ztoc ? notRecognized('unreadable', `zTOC ${descriptor.digest}: ${ztoc.message}`) : ztoc;
}

/**
 * Lists the platforms as `listPlatforms` does. If the configuration of a single manifest alone says what it runs on, it is
 * not read: `told` stands for it. That need not be true: a wrong platform gives another image than the one compared with.
 */
export async function listKnownPlatforms(
  reader: ImageReader,
  image: Descriptor,
  told: Platform | undefined,
): Promise<Platform[]> {
  if (told === undefined || !isImageManifest(image.mediaType) || image.platform !== undefined) {
    return listPlatforms(reader, image);
  }
  const { config, layers } = await reader.manifest(image);
  const asksConfig = isImageConfig(config.mediaType) && [config, ...(layers ?? [])].every((each) => !each.platform);
  return asksConfig ? [told] : listPlatforms(reader, image);
}
