import type { Fetcher } from '@soci/oci';
import { mapInParallel } from '../in-parallel.ts';
import type { ResolvedOptions } from '../options.ts';
import { adoptZtoc } from './adopt-ztoc.ts';
import type { BuiltLayer } from './build-layer.ts';
import { buildLayers } from './build-layers.ts';
import { type LayerTask, taskKey, toLayerSettings } from './layer-plan.ts';

/** Layers whose zTOCs are looked for at a time. */
const LOOKUPS = 8;

/**
 * Gets the zTOCs of several layers: those that are known already, then the others, from the layers.
 *
 * @returns The zTOCs, by the key of their task.
 * @throws As `buildLayers` does, and what the source of known zTOCs throws.
 */
export async function obtainLayers(
  store: Fetcher,
  tasks: readonly LayerTask[],
  options: ResolvedOptions,
): Promise<Map<string, BuiltLayer>> {
  const reused = await reuseLayers(tasks, options);
  const unknown = tasks.filter((task) => !reused.has(taskKey(task)));
  return new Map([...reused, ...(await buildLayers(store, unknown, options))]);
}

/**
 * Looks for the zTOCs of layers among those that the caller knows, and checks what is found.
 *
 * @returns The zTOCs that are used, by the key of their task; none without a source.
 * @throws What the source throws; the signal's reason.
 */
async function reuseLayers(tasks: readonly LayerTask[], options: ResolvedOptions): Promise<Map<string, BuiltLayer>> {
  const { reuse, signal, limits, onProgress } = options;
  const reused = new Map<string, BuiltLayer>();
  if (reuse === undefined) return reused;
  const settings = toLayerSettings(options);
  const { spanSize, buildToolIdentifier } = settings;
  await mapInParallel(tasks, LOOKUPS, async (task) => {
    signal?.throwIfAborted();
    const started = performance.now();
    const { digest: layer, size } = task;
    const bytes = await reuse.find(task, { spanSize, buildToolIdentifier }, signal === undefined ? {} : { signal });
    signal?.throwIfAborted();
    if (bytes === undefined) return;
    const adopted = adoptZtoc(bytes, task, settings, limits.maxZtocSize);
    if ('refused' in adopted) {
      onProgress({ type: 'ztoc-refused', layer, size, reason: adopted.refused, message: adopted.message });
      return;
    }
    const seconds = (performance.now() - started) / 1000;
    reused.set(taskKey(task), { ...adopted, ztoc: bytes, origin: 'reused', seconds });
    const { ztocSize, spans, files } = adopted;
    onProgress({ type: 'layer-reused', layer, size, ztocSize, spans, files });
  });
  return reused;
}
