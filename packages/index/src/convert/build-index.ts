import { availableParallelism } from 'node:os';
import type { Descriptor, Fetcher } from '@soci/oci';
import { ImageReader } from '../image/image-reader.ts';
import { listPlatforms } from '../image/select.ts';
import { obtainLayers } from '../layers/build-layers.ts';
import { type ResolvedOptions, resolveOptions, type SociIndexOptions } from '../options.ts';
import { choosePlatforms, collectTasks, type PlatformPlan, planPlatforms } from './plan-image.ts';
import { type LayerReport, type PlatformReport, reportLayers, reportPlatform } from './report.ts';
import { type Artifact, assembleSociIndex, dropRepeated } from './soci-manifest.ts';

/** What {@link buildSociIndex} has come to. */
export type SociIndexResult = BuiltIndexes | NothingToIndex;

/** SOCI indexes were made. */
export interface BuiltIndexes {
  readonly outcome: 'indexed';
  /** The SOCI index manifests, one a platform, in the order of the platforms. */
  readonly indexes: readonly Descriptor[];
  /** What to push, leaves before roots; configurations, layers and untouched manifests are the image's own. */
  readonly artifacts: readonly Artifact[];
  readonly platforms: readonly PlatformReport[];
  readonly layers: readonly LayerReport[];
}

/** None was: not a failure, but a fact about the image. */
export interface NothingToIndex {
  readonly outcome: 'nothing-to-index';
  /**
   * - `no-layer-to-index`: every layer was skipped, for the reasons that `layers` tells (with `compat: 'soci-cli'`, and
   *   v1: every layer of one platform).
   * - `no-platform`: the content runs nowhere: an artifact, not an image.
   */
  readonly reason: 'no-layer-to-index' | 'no-platform';
  readonly platforms: readonly PlatformReport[];
  readonly layers: readonly LayerReport[];
}

/**
 * Builds v1 SOCI indexes for an image: one manifest a platform, which refers to the image's own by its `subject`. The
 * image stays as it is; runtimes find the index through the registry's referrers API. Nothing is pushed.
 *
 * @param store - Holds the image. Each layer that is indexed is fetched once, in full, and verified.
 * @param image - An image manifest or image index, OCI or Docker.
 * @throws SociIndexError; `OciError` and what else `store` throws; the reason of `options.signal`.
 * @see soci-snapshotter v0.16.1, soci/soci_index.go, `Build`
 */
export async function buildSociIndex(
  store: Fetcher,
  image: Descriptor,
  options: SociIndexOptions = {},
): Promise<SociIndexResult> {
  const resolved = resolveOptions(options, availableParallelism());
  const reader = new ImageReader(store, resolved.limits, resolved.signal);
  const chosen = choosePlatforms(image, await listPlatforms(reader, image), resolved);
  const plans = await planPlatforms(reader, image, chosen, resolved);
  const { indexes, made, artifacts, platforms, layers } = await indexPlans(store, plans, 1, resolved);
  // The reference fails with the first platform that has nothing; we index the others.
  if (made.length === 0 || (resolved.isCompat && made.length < indexes.length)) {
    const reason = plans.length === 0 ? 'no-platform' : 'no-layer-to-index';
    return { outcome: 'nothing-to-index', reason, platforms, layers };
  }
  return { outcome: 'indexed', indexes: made, artifacts: dropRepeated(artifacts), platforms, layers };
}

/** Gets the zTOCs that plans ask for, and writes a SOCI index for each platform: undefined if none of its layers has one. */
export async function indexPlans(
  store: Fetcher,
  plans: readonly PlatformPlan[],
  version: 1 | 2,
  options: ResolvedOptions,
) {
  const built = await obtainLayers(store, collectTasks(plans), options);
  const indexes = plans.map(({ manifest, layers }) =>
    assembleSociIndex({ version, subject: manifest, layers, ztocs: built, options }),
  );
  const made = indexes.filter((index) => index !== undefined);
  return {
    indexes,
    made: made.map(({ descriptor }) => descriptor),
    artifacts: made.flatMap((index) => index.artifacts),
    platforms: plans.map((plan, i) => reportPlatform(plan, indexes[i], built, options.prefetchFiles)),
    layers: reportLayers(plans, indexes, built),
  };
}
