import { type Descriptor, isImageIndex, isImageManifest, type Platform } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import type { ImageReader } from '../image/image-reader.ts';
import { dedupePlatforms, distinctPlatforms } from '../image/platform-match.ts';
import { findManifest, selectManifest } from '../image/select.ts';
import { type LayerPlan, type LayerTask, planLayers, taskKey } from '../layers/layer-plan.ts';
import type { ResolvedOptions } from '../options.ts';

/** What is to be done for one platform of an image. */
export interface PlatformPlan {
  readonly platform: Platform;
  /** The manifest that the SOCI index will belong to. */
  readonly manifest: Descriptor;
  readonly layers: readonly LayerPlan[];
}

/** Decides about each platform and layer of an image that runs on `available`, the `first` of which is given. */
export async function planConversion(
  reader: ImageReader,
  source: Descriptor,
  first: Platform,
  available: readonly Platform[],
  options: ResolvedOptions,
) {
  // The index that will list a single manifest has to say what it runs on; so far only its configuration does.
  const target = isImageManifest(source.mediaType) ? { ...source, platform: first } : source;
  const chosen = dedupePlatforms(choosePlatforms(target, available, options));
  return { target, plans: await planPlatforms(reader, target, chosen, options) };
}

/** The platforms to index: those asked for, or all; each once. The reference takes one as often as it is listed. */
export function choosePlatforms(
  image: Descriptor,
  available: readonly Platform[],
  options: Pick<ResolvedOptions, 'isCompat' | 'platforms' | 'limits'>,
): readonly Platform[] {
  const asked = options.platforms ?? available;
  const platforms = options.isCompat ? asked : distinctPlatforms(asked);
  const { maxPlatforms } = options.limits;
  if (platforms.length > maxPlatforms) {
    const message = `image ${image.digest} is to be indexed for ${platforms.length} platforms: the limit is ${maxPlatforms}`;
    throw new SociIndexError('LIMIT_EXCEEDED', message, { digest: image.digest });
  }
  return platforms;
}

/** Decides for each platform about each of its layers. */
export async function planPlatforms(
  reader: ImageReader,
  image: Descriptor,
  platforms: readonly Platform[],
  options: ResolvedOptions,
): Promise<PlatformPlan[]> {
  if (platforms.length > 0 && !isImageIndex(image.mediaType) && !isImageManifest(image.mediaType)) {
    const message = `${image.digest} is neither an image nor an image index: ${image.mediaType}`;
    throw new SociIndexError('MANIFEST_INVALID', message, { digest: image.digest });
  }
  const manifests: { readonly platform: Platform; readonly manifest: Descriptor }[] = [];
  for (const platform of platforms) manifests.push({ platform, manifest: await findManifest(reader, image, platform) });
  await reader.preload(manifests.map(({ manifest }) => manifest));
  const plans: PlatformPlan[] = [];
  const tasks = new Map<string, LayerTask>();
  for (const { platform, manifest } of manifests) {
    const { layers } = await selectManifest(reader, image, platform);
    const plan = { platform, manifest, layers: planLayers(layers ?? [], tasks, options) };
    for (const layer of plan.layers) if ('task' in layer) tasks.set(layer.task.digest, layer.task);
    plans.push(plan);
  }
  return plans;
}

/** The zTOCs that all plans together ask for, each once. */
export function collectTasks(plans: readonly PlatformPlan[]): LayerTask[] {
  const tasks = plans.flatMap(({ layers }) => layers.flatMap((layer) => ('task' in layer ? [layer.task] : [])));
  return [...new Map(tasks.map((task) => [taskKey(task), task])).values()];
}
