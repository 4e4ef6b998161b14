import type { BlobLocator, Fetcher, RangeFetcher } from '@soci/oci';
import { keepCandidates, type ReadRange } from '@soci/ztoc';
import { type FilesystemLayer, openBuiltFilesystem, openLayerSource } from '../filesystem/built-filesystem.ts';
import { predictFiles, readCommand } from '../guided/predict-files.ts';
import { digestReads, findReads, mergeReads } from '../guided/read-ranges.ts';
import { refineLayer } from '../guided/refine-layer.ts';
import { chooseSearchedLayers } from '../guided/searched-layers.ts';
import { mapInParallel } from '../in-parallel.ts';
import type { BuiltLayer } from '../layers/build-layer.ts';
import { buildLayers, findExisting, LOOKUPS, reportReused, ZtocTotal } from '../layers/build-layers.ts';
import type { MismatchedLayer } from '../layers/layer-format.ts';
import { type LayerTask, taskKey } from '../layers/layer-plan.ts';
import { cleanPrefetchPath } from '../layers/prefetch-spans.ts';
import type { ResolvedOptions } from '../options.ts';
import type { ProfileFile } from '../profile/start-profile.ts';
import { applyResults, collectTasks, type LayerResults, type PlatformPlan } from './plan-image.ts';

/** Number of layers that are read again at the same time. */
const REFINED_LAYERS = 4;

/** Layers that were built with the span size `auto`. */
export interface GuidedLayers {
  readonly results: LayerResults;
  /** What the start reads, for each plan. */
  readonly starts: readonly PlannedStart[];
}

/** What the start of a container of one platform reads. */
export interface PlannedStart {
  /** Number of files in the profile. */
  readonly files: number;
  /** Number of those files that the image has. */
  readonly filesFound: number;
  /** For each of `prefetchFiles`, whether the image has it. */
  readonly prefetchFiles: readonly boolean[];
  /** Ranges by layer digest. */
  readonly reads: ReadonlyMap<string, readonly ReadRange[]>;
}

/**
 * Reuses or builds the planned zTOCs with the span size `auto`: each layer is decoded once, with large spans. Then the files
 * of the profile are found, and the spans that contain them are divided. A layer is reused if the start reads the same in it.
 *
 * @returns Undefined if the image has no file of the profile.
 */
export async function buildGuidedLayers(
  store: Fetcher & Partial<RangeFetcher & BlobLocator>,
  planned: readonly PlatformPlan[],
  options: ResolvedOptions,
): Promise<GuidedLayers | undefined> {
  const { signal } = options;
  if (!(await mayPredict(store, planned, options))) return undefined;
  const tasks = collectTasks(planned);
  const total = new ZtocTotal(options.limits.maxZtocsSize);
  const results = new Map<string, BuiltLayer | MismatchedLayer>();
  await mapInParallel(tasks, LOOKUPS, async (task) => {
    const known = await findExisting(task, options, total);
    if (known !== undefined) results.set(taskKey(task), known);
  });
  const build = async (missing: readonly LayerTask[]) => {
    for (const [key, result] of await buildLayers(store, missing, options, total)) results.set(key, result);
  };
  await build(tasks.filter((task) => !results.has(taskKey(task))));

  const starts: PlannedStart[] = [];
  for (const plan of applyResults(planned, results)) starts.push(await findStart(store, plan, results, options));
  if (starts.every(({ filesFound, prefetchFiles }) => filesFound === 0 && !prefetchFiles.includes(true))) {
    return undefined;
  }
  const readsOf = (digest: string) => mergeReads(starts.flatMap(({ reads }) => reads.get(digest) ?? []));

  // Layers whose existing zTOC was built for other reads.
  const outdated: LayerTask[] = [];
  await mapInParallel(tasks, LOOKUPS, async (task) => {
    const known = results.get(taskKey(task));
    if (known === undefined || 'mismatch' in known || known.origin !== 'reused') return;
    const wanted = digestReads(task.compression === 'gzip' ? readsOf(task.digest) : []);
    const found = known.readsDigest === wanted ? known : await findExisting(task, options, total, wanted);
    if (found === undefined) outdated.push(task);
    else reportReused(found, options);
    results.set(taskKey(task), found ?? known);
  });
  await build(outdated);

  const layers = new Map(
    applyResults(planned, results).flatMap((plan) =>
      plan.layers.flatMap((layer) => ('task' in layer ? [[taskKey(layer.task), layer] as const] : [])),
    ),
  );
  const refineOptions = { limits: options.layerLimits, total, signal };
  // Frees the memory before the new zTOCs need it.
  for (const [key, { descriptor }] of layers) {
    const built = results.get(key);
    if (built === undefined || 'mismatch' in built || built.candidates === undefined) continue;
    const candidates = keepCandidates(built.ztoc, built.candidates, readsOf(descriptor.digest));
    results.set(key, { ...built, candidates });
  }
  await mapInParallel([...layers], REFINED_LAYERS, async ([key, layer]) => {
    const built = results.get(key);
    if (built === undefined || 'mismatch' in built || built.origin === 'reused') return;
    const source = () => openLayerSource(layer, store, signal === undefined ? {} : { signal });
    // The file of a layer in a local layout is copied without verification too, because it was just read.
    const verify = store.locate === undefined || layer.recompressed !== undefined;
    const reads = readsOf(layer.descriptor.digest);
    results.set(key, await refineLayer(built, reads, source, { ...refineOptions, verify }));
  });
  return { results, starts };
}

/** Finds what the start of a container of one platform reads. */
async function findStart(
  store: Fetcher & Partial<RangeFetcher>,
  plan: PlatformPlan,
  results: LayerResults,
  options: ResolvedOptions,
): Promise<PlannedStart> {
  const searched = chooseFilesystemLayers(plan, results, options);
  const files = openBuiltFilesystem(store, searched, options);
  const profile = options.profile?.files ?? (await predictFiles(store, plan.config, files, options));
  const prefetchFiles = options.prefetchFiles.map((path): ProfileFile => ({ path: `/${cleanPrefetchPath(path)}` }));
  const { isFound, reads } = await findReads(files, [...profile, ...prefetchFiles], options.signal);
  return {
    files: profile.length,
    filesFound: isFound.slice(0, profile.length).filter(Boolean).length,
    prefetchFiles: isFound.slice(profile.length),
    reads,
  };
}

/** Returns false if no file can be found: no profile is given, and the image has no command to predict one from. Saves two builds. */
async function mayPredict(
  store: Fetcher,
  plans: readonly PlatformPlan[],
  { profile, prefetchFiles, limits, signal }: ResolvedOptions,
): Promise<boolean> {
  if (profile !== undefined || prefetchFiles.length > 0) return true;
  for (const { config } of plans) if ((await readCommand(store, config, { limits, signal })) !== undefined) return true;
  return false;
}

/** Chooses the layers whose files are searched: see {@link chooseSearchedLayers}. */
function chooseFilesystemLayers(
  { layers }: PlatformPlan,
  results: LayerResults,
  { profile }: ResolvedOptions,
): readonly FilesystemLayer[] {
  const built = layers.map((layer): FilesystemLayer => {
    const result = 'task' in layer ? results.get(taskKey(layer.task)) : undefined;
    if (result === undefined || 'mismatch' in result) return { descriptor: layer.descriptor };
    // Only a prediction reads files.
    return { ...layer, ztoc: result.ztoc, candidates: profile === undefined ? result.candidates : undefined };
  });
  return chooseSearchedLayers(built, ({ ztoc }) => ztoc !== undefined);
}
