import { mapInParallel } from '../in-parallel.ts';
import type { BuiltLayer } from '../layers/build-layer.ts';
import { type LayerTask, taskKey } from '../layers/layer-plan.ts';
import { toLayerSettings } from '../layers/layer-settings.ts';
import type { ResolvedOptions } from '../options.ts';
import { adoptZtoc } from './adopt-ztoc.ts';

/** Layers whose zTOCs are looked for at a time. */
const LOOKUPS = 8;

/**
 * Looks for the zTOCs of layers among those that the caller knows, and checks what is found.
 *
 * @returns The zTOCs that are used, by the key of their task; none without a source.
 * @throws What the source throws; the signal's reason.
 */
export async function reuseLayers(
  tasks: readonly LayerTask[],
  options: ResolvedOptions,
): Promise<Map<string, BuiltLayer>> {
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
