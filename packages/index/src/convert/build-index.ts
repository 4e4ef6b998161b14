import { availableParallelism } from 'node:os';
import type { BlobLocator, Descriptor, Fetcher, RangeFetcher } from '@soci/oci';
import { DEFAULT_SPAN_SIZE } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { ImageReader } from '../image/image-reader.ts';
import { checkOwnPlatform, listPlatforms } from '../image/select.ts';
import type { BuiltLayer } from '../layers/build-layer.ts';
import { reuseOrBuildLayers } from '../layers/build-layers.ts';
import { taskKey } from '../layers/layer-plan.ts';
import { type ResolvedOptions, resolveOptions, type SociIndexOptions } from '../options.ts';
import { readEntryNames } from '../warnings/entry-names.ts';
import type { LayerWarning } from '../warnings/layer-warning.ts';
import { findSymlinkWrites } from '../warnings/symlink-writes.ts';
import type { PlannedStart } from './build-guided.ts';
import { describeStart } from './describe-start.ts';
import { applyResults, choosePlatforms, collectTasks, type PlatformPlan, planPlatforms } from './plan-image.ts';
import { checkPrefetchFiles, findPrefetchFiles } from './prefetch-files.ts';
import { type LayerReport, type PlatformReport, reportLayers, reportPlatform } from './report.ts';
import { type Artifact, assembleSociIndex, dedupeArtifacts } from './soci-manifest.ts';

/** Result of {@link buildSociIndex}. */
export type SociIndexResult = BuiltIndexes | NothingToIndex;

/** SOCI indexes were built. */
export interface BuiltIndexes {
  readonly outcome: 'indexed';
  /** The SOCI index manifests, one per platform, in the order of the platforms. */
  readonly indexes: readonly Descriptor[];
  /**
   * New content to push, leaves before roots. Does not include layers, configurations, unchanged manifests, and zTOCs that
   * `storeZtoc` stored.
   */
  readonly artifacts: readonly Artifact[];
  readonly platforms: readonly PlatformReport[];
  readonly layers: readonly LayerReport[];
}

/** The image has no layer to index. */
export interface NothingToIndex {
  readonly outcome: 'nothing-to-index';
  /**
   * - `no-layer-to-index`: every layer was skipped; `layers` contains the reasons. In v1 with `compat: 'soci-cli'`: every
   *   layer of one platform was skipped.
   * - `no-platform`: the content has no platform: it is an artifact, not an image.
   */
  readonly reason: 'no-layer-to-index' | 'no-platform';
  readonly platforms: readonly PlatformReport[];
  readonly layers: readonly LayerReport[];
}

/**
 * Builds v1 SOCI indexes for an image: one manifest per platform, whose `subject` is the image manifest. The image does
 * not change. Runtimes find the index through the referrers API of the registry. Nothing is pushed.
 *
 * @param store - Store of the image. Each layer to index is fetched once and verified. With the span size `auto`, ranges of
 *   layers are read again, and layers that are too small for an index are read. Ranges are verified again unless the store has
 *   `locate`, which means that layers are local files.
 * @param image - Image manifest or image index, OCI or Docker.
 * @throws SociIndexError; `OciError` and other errors of `store`; the abort reason of `options.signal`.
 * @see soci-snapshotter v0.16.1, soci/soci_index.go, `Build`
 */
export async function buildSociIndex(
  store: Fetcher & Partial<RangeFetcher & BlobLocator>,
  image: Descriptor,
  options: SociIndexOptions = {},
): Promise<SociIndexResult> {
  const resolved = resolveOptions(options, availableParallelism());
  if (resolved.recompress.length > 0) {
    throw new SociIndexError(
      'OPTION_INVALID',
      'recompress needs version 2: a version 1 index refers to an unchanged image',
    );
  }
  const reader = new ImageReader(store, resolved.limits, resolved.signal);
  const available = await listPlatforms(reader, image, resolved);
  const chosen = choosePlatforms(image, available, resolved);
  if (!resolved.isCompat) checkOwnPlatform(image, available, chosen);
  const plans = await planPlatforms(reader, image, chosen, resolved);
  const { indexes, descriptors, artifacts, platforms, layers } = await indexPlans(store, plans, 1, resolved);
  // soci fails if a platform has no layer to index. Without compat, the other platforms are indexed.
  if (descriptors.length === 0 || (resolved.isCompat && descriptors.length < indexes.length)) {
    const reason = plans.length === 0 ? 'no-platform' : 'no-layer-to-index';
    return { outcome: 'nothing-to-index', reason, platforms, layers };
  }
  return { outcome: 'indexed', indexes: descriptors, artifacts: dedupeArtifacts(artifacts), platforms, layers };
}

/** Finds the layers that write through symbolic links of lower layers, on any platform. */
async function findAllSymlinkWrites(
  plans: readonly PlatformPlan[],
  built: ReadonlyMap<string, BuiltLayer>,
): Promise<ReadonlyMap<string, LayerWarning>> {
  const found = new Map<string, LayerWarning>();
  for (const { layers } of plans) {
    const byDigest = new Map<string, BuiltLayer>();
    for (const layer of layers) {
      const result = 'task' in layer ? built.get(taskKey(layer.task)) : undefined;
      if (result !== undefined) byDigest.set(layer.descriptor.digest, result);
    }
    const directories = new Map([...byDigest].map(([digest, { impliedDirectories }]) => [digest, impliedDirectories]));
    const digests = layers.map(({ descriptor }) => descriptor.digest);
    const read = async (digest: string) => {
      const result = byDigest.get(digest);
      return result && readEntryNames(result.names);
    };
    for (const [layer, warning] of await findSymlinkWrites(digests, directories, read)) found.set(layer, warning);
  }
  return found;
}

/** Reuses or builds the planned zTOCs, and writes a SOCI index for each platform that has one. */
export async function indexPlans(
  store: Fetcher & Partial<RangeFetcher & BlobLocator>,
  planned: readonly PlatformPlan[],
  version: 1 | 2,
  requested: ResolvedOptions,
) {
  const isAuto = requested.spanSize === 'auto';
  // Loaded only if needed: the functions start faster.
  const guided = isAuto
    ? await (await import('./build-guided.ts')).buildGuidedLayers(store, planned, {
        ...requested,
        storeZtoc: undefined,
      })
    : undefined;
  // Without a file of the profile, the result equals that of the default span size.
  const options =
    isAuto && guided === undefined ? { ...requested, spanSize: DEFAULT_SPAN_SIZE, profile: undefined } : requested;
  // Files to prefetch are found in all zTOCs together.
  const storeZtoc = options.prefetchFiles.length > 0 && !options.isCompat ? undefined : options.storeZtoc;
  const results =
    guided?.results ?? (await reuseOrBuildLayers(store, collectTasks(planned), { ...options, storeZtoc }));
  const built = new Map<string, BuiltLayer>();
  for (const [key, result] of results) if (!('mismatch' in result)) built.set(key, result);
  const plans = applyResults(planned, results);
  const prefetches = await Promise.all(plans.map(({ layers }) => findPrefetchFiles(layers, built, options)));
  const starts = plans.map(({ layers }, i) => guided && describeStart(guided.starts[i] as PlannedStart, layers, built));
  const indexes = plans.map(({ manifest, layers }, i) => {
    const prefetch = [...(prefetches[i] ?? []), ...(starts[i]?.prefetch ?? [])];
    return assembleSociIndex({ version, subject: manifest, layers, ztocs: built, options, prefetch });
  });
  const written = indexes.filter((index) => index !== undefined);
  if (written.length > 0) checkPrefetchFiles(prefetches, options);
  return {
    /** The options that the result was built with. */
    options,
    plans,
    recompressed: [...built.values()].flatMap(({ recompressed }) => recompressed ?? []),
    indexes,
    descriptors: written.map(({ descriptor }) => descriptor),
    artifacts: written.flatMap((index) => index.artifacts),
    platforms: plans.map((plan, i) =>
      reportPlatform(plan, indexes[i], built, prefetches[i] ?? [], starts[i]?.report, options),
    ),
    layers: reportLayers(plans, indexes, built, await findAllSymlinkWrites(plans, built)),
  };
}
