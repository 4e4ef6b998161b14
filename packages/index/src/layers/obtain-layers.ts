import type { Fetcher } from '@soci/oci';
import type { ResolvedOptions } from '../options.ts';
import { reuseLayers } from '../reuse/reuse-layers.ts';
import type { BuiltLayer } from './build-layer.ts';
import { buildLayers } from './build-layers.ts';
import { type LayerTask, taskKey } from './layer-plan.ts';

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
