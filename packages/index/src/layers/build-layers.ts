import type { Fetcher } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { mapInParallel } from '../in-parallel.ts';
import type { RecompressibleFormat, ResolvedOptions } from '../options.ts';
import type { LayerProgress } from '../progress.ts';
import { type BuiltLayer, buildLayer, limitLayerSize, requireMatch } from './build-layer.ts';
import { buildRecompressed } from './build-recompressed.ts';
import { readAgainIfDamaged } from './damaged-layer.ts';
import { checkFormat, type MismatchedLayer } from './layer-format.ts';
import { expectedFormat, type LayerTask, taskKey, toLayerSettings } from './layer-plan.ts';
import { type LayerThread, startThreads } from './layer-thread.ts';
import { checkReusableZtoc } from './reusable-ztoc.ts';

/** Number of zTOC lookups at the same time. */
const LOOKUPS = 8;

/**
 * Reuses existing zTOCs and builds the others from their layers. Returns them by {@link taskKey}, and the format of layers
 * that do not match their media type.
 */
export async function reuseOrBuildLayers(
  store: Fetcher,
  tasks: readonly LayerTask[],
  options: ResolvedOptions,
): Promise<Map<string, BuiltLayer | MismatchedLayer>> {
  const total = new ZtocTotal(options.limits.maxZtocsSize);
  const reused = await reuseLayers(tasks, options, total);
  const unknown = tasks.filter((task) => !reused.has(taskKey(task)));
  return new Map([...reused, ...(await buildLayers(store, unknown, options, total))]);
}

/** Counts the sizes of the zTOCs that are in memory. */
class ZtocTotal {
  readonly #limit: number;
  #size = 0;

  /** @param limit Maximum total size in bytes: `maxZtocsSize`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts a zTOC, unless the total would exceed the limit. */
  add(size: number): boolean {
    if (this.#size + size > this.#limit) return false;
    this.#size += size;
    return true;
  }

  /** Counts the new zTOC of a layer. @throws SociIndexError `LIMIT_EXCEEDED` */
  require(size: number, digest: string): void {
    if (this.add(size)) return;
    const message = `the zTOCs of the image exceed maxZtocsSize (${this.#limit} bytes) with that of layer ${digest} (${size} bytes). Use a larger span size, or raise the limit if you trust the image.`;
    throw new SociIndexError('LIMIT_EXCEEDED', message, { digest });
  }
}

/** Finds and checks existing zTOCs. */
async function reuseLayers(
  tasks: readonly LayerTask[],
  options: ResolvedOptions,
  total: ZtocTotal,
): Promise<Map<string, BuiltLayer>> {
  const { reuse, signal, limits, onProgress } = options;
  const reused = new Map<string, BuiltLayer>();
  if (reuse === undefined) return reused;
  const settings = toLayerSettings(options);
  const { spanSize, buildToolIdentifier } = options;
  const unchanged = tasks.filter(({ recompress }) => recompress === undefined);
  await mapInParallel(unchanged, LOOKUPS, async (task) => {
    signal?.throwIfAborted();
    const started = performance.now();
    const { digest: layer, size } = task;
    const bytes = await reuse.find(task, { spanSize, buildToolIdentifier }, signal === undefined ? {} : { signal });
    signal?.throwIfAborted();
    if (bytes === undefined) return;
    const summary = checkReusableZtoc(bytes, task, settings, limits.maxZtocSize);
    if ('rejected' in summary) {
      onProgress({ type: 'ztoc-refused', layer, size, reason: summary.rejected, message: summary.message });
      return;
    }
    if (!total.add(bytes.length)) return;
    const seconds = (performance.now() - started) / 1000;
    reused.set(taskKey(task), { ...summary, ztoc: bytes, layer: { digest: layer, size }, origin: 'reused', seconds });
    const { ztocSize, spans, files } = summary;
    onProgress({ type: 'layer-reused', layer, size, ztocSize, spans, files });
  });
  return reused;
}

/** Builds one zTOC, in this thread or in a worker thread. */
export type Build = (
  chunks: AsyncIterable<Uint8Array>,
  task: LayerTask,
  report: (progress: LayerProgress) => void,
) => Promise<BuiltLayer>;

/**
 * Builds the zTOCs of layers, `jobs` at the same time, the largest first. Fetches each layer once, and once more if it is
 * damaged. Returns the zTOCs by {@link taskKey}. The first error aborts the other builds. A layer that does not match its media type is not an error,
 * except with `compat`.
 *
 * @throws SociIndexError as in `buildLayer`, and `WORKER_FAILED`; errors of the store; the abort reason of the signal.
 */
export async function buildLayers(
  store: Fetcher,
  tasks: readonly LayerTask[],
  options: ResolvedOptions,
  total = new ZtocTotal(options.limits.maxZtocsSize),
): Promise<Map<string, BuiltLayer | MismatchedLayer>> {
  const { onProgress, signal, isCompat } = options;
  const settings = toLayerSettings(options);
  onProgress({ type: 'planned', layers: tasks.length, bytes: tasks.reduce((bytes, { size }) => bytes + size, 0) });
  // With worker threads, this thread only reads, so that building does not delay the network. One layer needs no thread.
  const count = Math.min(options.jobs, tasks.length);
  const threads = count > 1 ? await startThreads(count) : [];
  const abort = new AbortController();
  const combined = signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]);
  // A busy thread cannot react to the signal. Terminating it makes its build fail.
  combined.addEventListener('abort', () => void Promise.all(threads.map((thread) => thread.terminate())));
  const buildHere: Build = (chunks, task, report) => buildLayer(chunks, task, settings, report, combined);
  const buildIn = (thread: LayerThread): Build => {
    return (chunks, task, report) => thread.build(chunks, task, settings, report);
  };

  const readLayer = async (build: Build, task: LayerTask): Promise<BuiltLayer | MismatchedLayer> => {
    const { digest, size, mediaType, diffId } = task;
    const report = (progress: LayerProgress) =>
      onProgress({ type: 'layer-progress', layer: digest, size, ...progress });
    const fetched = store.fetch({ mediaType, digest, size }, { signal: combined, reuseChunks: true });
    const accepted = diffId === undefined ? [] : options.recompress;
    const expected = expectedFormat(task);
    const checked = isCompat
      ? { chunks: fetched, format: expected }
      : await checkFormat<'gzip' | RecompressibleFormat>(fetched, expected, accepted);
    if ('mismatch' in checked) return checked;
    const { chunks, format } = checked;
    if (diffId !== undefined && format !== 'gzip' && options.recompress.includes(format)) {
      const source = { layer: { mediaType, digest, size }, format, diffId };
      return buildRecompressed(chunks, source, { task, build, report, target: options.layerTarget, signal: combined });
    }
    const result = await build(limitLayerSize(chunks, task), task, report);
    requireMatch(task, result.layer);
    return result;
  };

  const built = new Map<string, BuiltLayer | MismatchedLayer>();
  const queue = tasks.toSorted((a, b) => b.size - a.size);
  const work = async (build: Build): Promise<void> => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      combined.throwIfAborted();
      const { digest: layer, size, mediaType } = task;
      const result = await readAgainIfDamaged(() => {
        onProgress({ type: 'layer-started', layer, size });
        return readLayer(build, task);
      });
      if (!('mismatch' in result)) total.require(result.ztocSize, layer);
      built.set(taskKey(task), result);
      if ('mismatch' in result) {
        onProgress({ type: 'layer-mismatched', layer, size, mediaType, format: result.mismatch });
      } else {
        const { ztocSize, spans, files, seconds } = result;
        onProgress({ type: 'layer-done', layer, size, ztocSize, spans, files, seconds });
      }
    }
  };
  try {
    signal?.throwIfAborted();
    await Promise.all(threads.length === 0 ? [work(buildHere)] : threads.map((thread) => work(buildIn(thread))));
    await Promise.all(threads.map((thread) => thread.close()));
    return built;
  } catch (error) {
    abort.abort(error);
    await Promise.all(threads.map((thread) => thread.terminate()));
    // An abort can surface as various errors. Throw the abort reason.
    throw signal?.aborted ? signal.reason : error;
  }
}
