import { bareDescriptor, type Descriptor, isImageIndex, isImageManifest, type Platform } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import type { ImageReader } from '../image/image-reader.ts';
import { dedupePlatforms, distinctPlatforms } from '../image/platform-match.ts';
import { findManifest, selectManifest } from '../image/select.ts';
import type { BuiltLayer } from '../layers/build-layer.ts';
import type { MismatchedLayer } from '../layers/layer-format.ts';
import { type LayerPlan, type LayerTask, planLayers, skipMismatched, taskKey } from '../layers/layer-plan.ts';
import { describeRecompressed, diffIdError } from '../layers/recompress-layer.ts';
import type { ResolvedOptions } from '../options.ts';

/** Plan for one platform of an image. */
export interface PlatformPlan {
  readonly platform: Platform;
  /** Image manifest that the SOCI index belongs to. */
  readonly manifest: Descriptor;
  /** The image configuration. */
  readonly config: Descriptor;
  readonly layers: readonly LayerPlan[];
}

/** Plans the conversion of an image with the platforms `available`; `first` is the first of them. */
export async function planConversion(
  reader: ImageReader,
  source: Descriptor,
  first: Platform,
  available: readonly Platform[],
  options: ResolvedOptions,
) {
  // A single manifest gets its platform from its configuration, because an image index must list the platform.
  const target = isImageManifest(source.mediaType) ? { ...source, platform: first } : source;
  const chosen = dedupePlatforms(choosePlatforms(target, available, options));
  return { target, plans: await planPlatforms(reader, target, chosen, options) };
}

/** Returns the platforms to index: the selected ones, or all. Removes duplicates, which soci keeps, unless `isCompat`. */
export function choosePlatforms(
  image: Descriptor,
  available: readonly Platform[],
  options: Pick<ResolvedOptions, 'isCompat' | 'platforms' | 'limits'>,
): readonly Platform[] {
  const selected = options.platforms ?? available;
  const platforms = options.isCompat ? selected : distinctPlatforms(selected);
  const { maxPlatforms } = options.limits;
  if (platforms.length > maxPlatforms) {
    const message = `image ${image.digest} has ${platforms.length} platforms to index, the limit is ${maxPlatforms}`;
    throw new SociIndexError('LIMIT_EXCEEDED', message, { digest: image.digest });
  }
  return platforms;
}

/** Plans the layers of each platform. */
export async function planPlatforms(
  reader: ImageReader,
  image: Descriptor,
  platforms: readonly Platform[],
  options: ResolvedOptions,
): Promise<PlatformPlan[]> {
  if (platforms.length > 0 && !isImageIndex(image.mediaType) && !isImageManifest(image.mediaType)) {
    const message = `${image.digest} has the media type ${image.mediaType}, expected an image manifest or image index`;
    throw new SociIndexError('MANIFEST_INVALID', message, { digest: image.digest });
  }
  const manifests: { readonly platform: Platform; readonly manifest: Descriptor }[] = [];
  for (const platform of platforms)
    manifests.push({ platform, manifest: await findManifest(reader, image, platform, options) });
  await reader.preload(manifests.map(({ manifest }) => manifest));
  const plans: PlatformPlan[] = [];
  const tasks = new Map<string, LayerTask>();
  for (const { platform, manifest } of manifests) {
    const { config, layers } = await selectManifest(reader, image, platform, options);
    const diffIds = options.recompress.length > 0 ? await reader.diffIds(config) : undefined;
    const plan = {
      platform,
      manifest,
      config: bareDescriptor(config),
      layers: planLayers(layers ?? [], tasks, options, diffIds),
    };
    for (const layer of plan.layers) if ('task' in layer) tasks.set(layer.task.digest, layer.task);
    plans.push(plan);
  }
  return plans;
}

/** Returns the layer tasks of all plans, without duplicates. */
export function collectTasks(plans: readonly PlatformPlan[]): LayerTask[] {
  const tasks = plans.flatMap(({ layers }) => layers.flatMap((layer) => ('task' in layer ? [layer.task] : [])));
  return [...new Map(tasks.map((task) => [taskKey(task), task])).values()];
}

/** Built zTOCs by {@link taskKey}, and the format of layers that do not match their media type. */
export type LayerResults = ReadonlyMap<string, BuiltLayer | MismatchedLayer>;

/** Returns the plans with the results. */
export function applyResults(plans: readonly PlatformPlan[], results: LayerResults): PlatformPlan[] {
  return plans.map((plan) => ({ ...plan, layers: plan.layers.map((layer) => applyResult(layer, results)) }));
}

/** Returns the plan with the result: a layer is skipped if it does not match its media type, or replaced if it was recompressed. */
function applyResult(layer: LayerPlan, results: LayerResults): LayerPlan {
  if ('skipped' in layer) return layer;
  const { descriptor, task } = layer;
  const result = results.get(taskKey(task));
  if (result === undefined) return layer;
  if ('mismatch' in result) return skipMismatched(layer, task, result.mismatch);
  const { recompressed } = result;
  if (recompressed === undefined) return layer;
  // Another manifest may list the same layer with another configuration.
  if (task.diffId !== recompressed.diffId) throw diffIdError(task.digest, recompressed.diffId, task.diffId ?? 'none');
  return { descriptor: describeRecompressed(descriptor, recompressed), task, recompressed };
}
