import { availableParallelism } from 'node:os';
import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  formatPlatform,
  type Platform,
  type RangeFetcher,
} from '@soci/oci';
import { measureSpans, type ReadRange, type ZtocLimits } from '@soci/ztoc';
import {
  applyResults,
  collectTasks,
  type LayerResults,
  type PlatformPlan,
  planConversion,
} from '../convert/plan-image.ts';
import { SociIndexError } from '../errors.ts';
import { openBuiltFilesystem } from '../filesystem/built-filesystem.ts';
import type { ImageFilesystem } from '../filesystem/image-filesystem.ts';
import { readCommand } from '../guided/predict-files.ts';
import { findReads } from '../guided/read-ranges.ts';
import { chooseSearchedLayers } from '../guided/searched-layers.ts';
import { ImageReader } from '../image/image-reader.ts';
import { distinctPlatforms } from '../image/platform-match.ts';
import { listPlatforms } from '../image/select.ts';
import type { BuiltLayer } from '../layers/build-layer.ts';
import { buildLayers } from '../layers/build-layers.ts';
import { type LayerPlan, taskKey } from '../layers/layer-plan.ts';
import {
  DEFAULT_MIN_LAYER_SIZE,
  type IndexLimits,
  type RecompressibleFormat,
  type ResolvedOptions,
  resolveOptions,
} from '../options.ts';
import type { PredictionLimit } from '../predict/limits.ts';
import { predictProfile } from '../predict/predict-profile.ts';
import type { StartConfig } from '../predict/start-config.ts';
import type { ProfileFile, ProfileOrigin, StartProfile } from '../profile/start-profile.ts';
import type { IndexProgress } from '../progress.ts';
import { ANNOTATION_INDEX_DIGEST } from '../vocabulary.ts';
import type { ImageAnalysis, LayerAnalysis, LayerContent } from './image-analysis.ts';

/** Options of {@link analyzeImage}. */
export interface AnalyzeOptions extends CallOptions {
  /** Platform to analyse. @default the only platform of the image */
  readonly platform?: Platform;
  /** What the start of a container reads. @default predicted from the image */
  readonly profile?: StartProfile;
  /** Fixed span sizes to compare with `auto`, in bytes of uncompressed data. @default none */
  readonly spanSizes?: readonly number[];
  /** Minimum size of a layer that gets a zTOC, in bytes. @default 10 MiB */
  readonly minLayerSize?: number;
  /** Formats of layers to recompress with gzip first, as by `convertImage`. The result is not kept. @default none */
  readonly recompress?: readonly RecompressibleFormat[];
  /** Number of layers read at the same time. @default number of cores, at most 8 */
  readonly jobs?: number;
  /** Limits for images. @default see {@link IndexLimits} */
  readonly limits?: IndexLimits;
  /** Limits for layers. @default see `ZtocLimits` of `@soci/ztoc` */
  readonly layerLimits?: ZtocLimits;
  /** Called for each progress event. @default no calls */
  readonly onProgress?: (progress: IndexProgress) => void;
}

/**
 * Finds what the start of a container reads of an image: bytes, spans and zTOCs for the span size `auto` and for others.
 * Each layer that can be indexed is decoded once, and small layers up to 64 MiB in total. Nothing is written.
 *
 * @param store - Store of the image.
 * @param image - Image manifest or image index, OCI or Docker.
 * @throws SociIndexError `PLATFORM_AMBIGUOUS` if the image has several platforms and `platform` is not set,
 *   `PLATFORM_NOT_FOUND`, and those of `convertImage`; errors of `store`; the abort reason of `options.signal`.
 */
export async function analyzeImage(
  store: Fetcher & Partial<RangeFetcher>,
  image: Descriptor,
  options: AnalyzeOptions = {},
): Promise<ImageAnalysis> {
  const { platform, profile, spanSizes = [], minLayerSize = DEFAULT_MIN_LAYER_SIZE, ...rest } = options;
  const given = { ...rest, minLayerSize: 0, spanSize: 'auto' as const, ...(profile && { profile }) };
  const resolved = { ...resolveOptions(given, availableParallelism()), otherSpanSizes: spanSizes };
  const reader = new ImageReader(store, resolved.limits, resolved.signal);
  const plan = await planPlatform(reader, image, platform, resolved);
  const isIndexed = (layer: LayerPlan) => 'task' in layer && layer.descriptor.size >= minLayerSize;
  const read = { ...plan, layers: chooseSearchedLayers(plan.layers, isIndexed) };
  const results = await buildLayers(store, collectTasks([read]), resolved);

  const start = await readCommand(store, plan.config, resolved);
  const files = openFiles(store, applyResults([read], results)[0] as PlatformPlan, results, resolved);
  const { wanted, origin, reachedLimits } = await chooseProfile(files, start, resolved);
  const { isFound, reads } = await findReads(files, wanted, resolved.signal);
  const { annotations } = await reader.manifest(plan.manifest);
  const built = applyResults([plan], results).flatMap((applied) => applied.layers);
  const distinct = new Map(plan.layers.map(({ descriptor }, i) => [descriptor.digest, { descriptor, i }]));
  return {
    platform: plan.platform,
    manifest: plan.manifest,
    sociIndex: annotations?.[ANNOTATION_INDEX_DIGEST],
    command: [...(start?.Entrypoint ?? []), ...(start?.Cmd ?? [])],
    origin,
    files: wanted.length,
    filesFound: isFound.filter(Boolean).length,
    reachedLimits,
    layers: [...distinct.values()].map(({ descriptor: { digest, mediaType, size }, i }) => {
      const layer = built[i] as LayerPlan;
      const skipped = describeSkip(layer, size, minLayerSize);
      const result = 'task' in layer ? results.get(taskKey(layer.task)) : undefined;
      const content =
        result === undefined || 'mismatch' in result
          ? undefined
          : describeContent(result, reads.get(layer.descriptor.digest) ?? [], spanSizes);
      const recompressed = 'task' in layer ? layer.recompressed : undefined;
      return {
        digest,
        mediaType,
        size,
        ...(recompressed && { recompressedSize: recompressed.gzip.size }),
        ...(skipped && { skipped }),
        ...(content && { content }),
      };
    }),
  };
}

/** Plans the layers of one platform. */
async function planPlatform(
  reader: ImageReader,
  image: Descriptor,
  wanted: Platform | undefined,
  options: ResolvedOptions,
): Promise<PlatformPlan> {
  const { digest } = image;
  const available = distinctPlatforms(await listPlatforms(reader, image, options));
  const [first, ...others] = available;
  if (first === undefined) throw new SociIndexError('PLATFORM_NOT_FOUND', `${digest} contains no image`, { digest });
  if (wanted === undefined && others.length > 0) {
    const listed = available.map(formatPlatform).join(', ');
    const message = `the image has several platforms, select one: ${listed}`;
    throw new SociIndexError('PLATFORM_AMBIGUOUS', message, { digest });
  }
  const { plans } = await planConversion(reader, image, first, available, { ...options, platforms: [wanted ?? first] });
  return plans[0] as PlatformPlan;
}

/** Opens the files of the layers that were read. */
function openFiles(
  store: Fetcher & Partial<RangeFetcher>,
  { layers }: PlatformPlan,
  results: LayerResults,
  options: ResolvedOptions,
): ImageFilesystem {
  const built = layers.flatMap((layer) => {
    const result = 'task' in layer ? results.get(taskKey(layer.task)) : undefined;
    if (result === undefined || 'mismatch' in result) return [];
    return [{ ...layer, ztoc: result.ztoc, candidates: result.candidates }];
  });
  return openBuiltFilesystem(store, built, options);
}

/** Returns the files of the given profile, or predicts them. */
async function chooseProfile(
  files: ImageFilesystem,
  start: StartConfig | undefined,
  { profile, signal }: ResolvedOptions,
): Promise<{
  readonly wanted: readonly ProfileFile[];
  readonly origin: ProfileOrigin | undefined;
  readonly reachedLimits: readonly PredictionLimit[];
}> {
  if (profile !== undefined) return { wanted: profile.files, origin: profile.origin, reachedLimits: [] };
  if (start === undefined) return { wanted: [], origin: 'predicted', reachedLimits: [] };
  const predicted = await predictProfile(files, start, signal === undefined ? {} : { signal });
  return { wanted: predicted.files, origin: 'predicted', reachedLimits: predicted.reachedLimits };
}

function describeSkip(layer: LayerPlan, size: number, minLayerSize: number): LayerAnalysis['skipped'] {
  if ('skipped' in layer) {
    return { reason: layer.skipped, ...(layer.message !== undefined && { message: layer.message }) };
  }
  return size < minLayerSize ? { reason: 'smaller-than-min-layer-size' } : undefined;
}

function describeContent(
  { ztoc, candidates, otherSpans, uncompressedSize, files, warnings }: BuiltLayer,
  reads: readonly ReadRange[],
  spanSizes: readonly number[],
): LayerContent {
  const built = { bytes: ztoc, ...(candidates && { candidates }), ...(otherSpans && { otherSpans }) };
  return { uncompressedSize, files, ztoc, reads, spans: measureSpans(built, spanSizes, reads), warnings };
}
