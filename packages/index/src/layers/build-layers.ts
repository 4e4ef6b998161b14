import type { Fetcher } from '@soci/oci';
import { startSecondThread } from '@soci/ztoc/node';
import { SociIndexError } from '../errors.ts';
import { mapInParallel } from '../in-parallel.ts';
import type { RecompressibleFormat, ResolvedOptions } from '../options.ts';
import type { LayerProgress } from '../progress.ts';
import { MEDIA_TYPE_ZTOC } from '../vocabulary.ts';
import { type BuiltLayer, buildLayer, limitLayerSize, requireMatch } from './build-layer.ts';
import { buildRecompressed } from './build-recompressed.ts';
import { readAgainIfDamaged } from './damaged-layer.ts';
import { checkFormat, type MismatchedLayer } from './layer-format.ts';
import { expectedFormat, type LayerTask, taskKey, toLayerSettings } from './layer-plan.ts';
import { type LayerThread, startThreads } from './layer-thread.ts';
import { checkReusableZtoc } from './reusable-ztoc.ts';

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

/**
 * Maximum memory for candidates of all layers, in bytes: 512 MiB, those of twelve large layers. Other layers keep coarse
 * spans.
 */
const MAX_CANDIDATES_SIZE = 512 << 20;

/** Maximum size of all zTOCs of an image, in bytes: those of layers with 256 GiB. Larger if `maxZtocsSize` is. */
const MAX_ALL_SIZE = 2 ** 31;

/** Counts the sizes of the zTOCs that are in memory, and of the candidates for their checkpoints. */
export class ZtocTotal {
  readonly #limit: number;
  #size = 0;
  /** With those that were released. */
  #all = 0;
  #candidates = 0;

  /** @param limit Maximum total size in bytes: `maxZtocsSize`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts a zTOC, unless the total would exceed the limit. */
  add(size: number): boolean {
    if (this.#size + size > this.#limit || this.#all + size > Math.max(this.#limit, MAX_ALL_SIZE)) return false;
    this.#size += size;
    this.#all += size;
    return true;
  }

  /** Counts that a zTOC is no longer in memory. */
  release(size: number): void {
    this.#size -= size;
  }

  /** Counts candidates, unless they would exceed the limit. zTOCs may take their memory later. */
  addCandidates(size: number): boolean {
    const candidates = this.#candidates + size;
    if (candidates > MAX_CANDIDATES_SIZE || this.#size + candidates > this.#limit) return false;
    this.#candidates = candidates;
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
  const reused = new Map<string, BuiltLayer>();
  await mapInParallel(tasks, LOOKUPS, async (task) => {
    const layer = await findExisting(task, options, total);
    if (layer === undefined) return;
    reportReused(layer, options);
    reused.set(taskKey(task), await storeComplete(layer, task, total, options, options));
  });
  return reused;
}

/** Number of zTOC lookups at the same time. */
export const LOOKUPS = 8;

/**
 * Finds and checks an existing zTOC of a layer. Returns undefined if none exists.
 *
 * @param readsDigest - With the span size `auto`: value of `ANNOTATION_READS_DIGEST`. @default any
 */
export async function findExisting(
  task: LayerTask,
  options: ResolvedOptions,
  total: ZtocTotal,
  readsDigest?: string,
): Promise<BuiltLayer | undefined> {
  const { reuse, signal, limits, buildToolIdentifier, spanSize, onProgress } = options;
  if (reuse === undefined || task.recompress !== undefined) return undefined;
  signal?.throwIfAborted();
  const started = performance.now();
  const { digest, size } = task;
  const call = signal === undefined ? {} : { signal };
  const found =
    spanSize === 'auto'
      ? await reuse.findGuided?.(task, { buildToolIdentifier, ...(readsDigest !== undefined && { readsDigest }) }, call)
      : { bytes: await reuse.find(task, { spanSize, buildToolIdentifier }, call), readsDigest: undefined };
  signal?.throwIfAborted();
  if (found?.bytes === undefined) return undefined;
  const { bytes } = found;
  const summary = checkReusableZtoc(bytes, task, toLayerSettings(options), limits.maxZtocSize);
  if ('rejected' in summary) {
    const { rejected: reason, message } = summary;
    onProgress({ type: 'ztoc-refused', layer: digest, size, reason, message });
    return undefined;
  }
  if (!total.add(bytes.length)) return undefined;
  return {
    ...summary,
    ztoc: bytes,
    layer: { digest, size },
    origin: 'reused',
    seconds: (performance.now() - started) / 1000,
    ...(found.readsDigest !== undefined && { readsDigest: found.readsDigest }),
  };
}

/** Reports that a zTOC is reused. */
export function reportReused({ layer, ztocSize, spans, files }: BuiltLayer, { onProgress }: ResolvedOptions): void {
  onProgress({ type: 'layer-reused', layer: layer.digest, size: layer.size, ztocSize, spans, files });
}

/** Lets `storeZtoc` store a zTOC. Returns the layer without it then. */
async function storeComplete(
  result: BuiltLayer,
  { mediaType }: LayerTask,
  total: ZtocTotal,
  { storeZtoc }: ResolvedOptions,
  { signal }: Pick<ResolvedOptions, 'signal'>,
): Promise<BuiltLayer> {
  const { ztoc: content, ztocDigest: digest, ztocSize: size, layer, recompressed, origin } = result;
  const ztoc = {
    descriptor: { mediaType: MEDIA_TYPE_ZTOC, digest, size },
    content,
    layer: { mediaType, ...layer },
    isRecompressed: recompressed !== undefined,
    origin,
  };
  const isStored = await storeZtoc?.(ztoc, signal === undefined ? {} : { signal });
  if (!isStored) return result;
  total.release(size);
  return { ...result, ztoc: new Uint8Array(0) };
}

/** Drops the candidates of a layer if they need too much memory. */
function withinMemory(result: BuiltLayer, total: ZtocTotal): BuiltLayer {
  if (result.candidates === undefined) return result;
  const { candidates, ...coarse } = result;
  return total.addCandidates(candidates.checkpoints.length) ? result : coarse;
}

/** Minimum size of a single layer for a second thread, in bytes. To start a thread takes as long as to read a few megabytes. */
const MIN_SIZE_FOR_SECOND_THREAD = 8 << 20;

/** Builds one zTOC, in this thread or in a worker thread. `ownsChunks` says that nothing else uses the chunks. */
export type Build = (
  chunks: AsyncIterable<Uint8Array>,
  task: LayerTask,
  report: (progress: LayerProgress) => void,
  ownsChunks?: boolean,
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
  // With worker threads, this thread only reads, so that building does not delay the network. A single layer is built in this
  // thread, and another one decompresses it.
  const count = Math.min(options.jobs, tasks.length);
  const threads = count > 1 ? await startThreads(count) : [];
  const isAlone = options.jobs > 1 && tasks.length === 1 && (tasks[0] as LayerTask).size >= MIN_SIZE_FOR_SECOND_THREAD;
  const secondThread = isAlone ? await startSecondThread() : undefined;
  const abort = new AbortController();
  const combined = signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]);
  // A busy thread cannot react to the signal. Terminating it makes its build fail.
  combined.addEventListener('abort', () => void Promise.all(threads.map((thread) => thread.terminate())));
  const buildHere: Build = (chunks, task, report) =>
    buildLayer(chunks, task, settings, report, { signal: combined, ...(secondThread && { thread: secondThread }) });
  const buildIn = (thread: LayerThread): Build => {
    return (chunks, task, report, owns = false) => thread.build(chunks, task, settings, report, owns);
  };

  const readLayer = async (build: Build, task: LayerTask): Promise<BuiltLayer | MismatchedLayer> => {
    const { digest, size, mediaType, diffId } = task;
    const report = (progress: LayerProgress) =>
      onProgress({ type: 'layer-progress', layer: digest, size, ...progress });
    // Chunks pass to a worker thread without a copy, unless the layer may be recompressed, for which this thread reads them.
    const ownsChunks = threads.length > 0 && diffId === undefined;
    const fetched = store.fetch({ mediaType, digest, size }, { signal: combined, reuseChunks: !ownsChunks });
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
    const result = await build(limitLayerSize(chunks, task), task, report, ownsChunks);
    requireMatch(task, result.layer);
    return result;
  };

  const built = new Map<string, BuiltLayer | MismatchedLayer>();
  const queue = tasks.toSorted((a, b) => b.size - a.size);
  const storing: Promise<void>[] = [];
  const work = async (build: Build): Promise<void> => {
    let last: Promise<void> | undefined;
    const storeResult = async (task: LayerTask, result: BuiltLayer): Promise<void> => {
      built.set(taskKey(task), await storeComplete(result, task, total, options, { signal: combined }));
    };
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      combined.throwIfAborted();
      const { digest: layer, size, mediaType } = task;
      const result = await readAgainIfDamaged(() => {
        onProgress({ type: 'layer-started', layer, size });
        return readLayer(build, task);
      });
      if ('mismatch' in result) {
        built.set(taskKey(task), result);
        onProgress({ type: 'layer-mismatched', layer, size, mediaType, format: result.mismatch });
        continue;
      }
      const { ztocSize, spans, files, seconds } = result;
      total.require(ztocSize, layer);
      onProgress({ type: 'layer-done', layer, size, ztocSize, spans, files, seconds });
      // One zTOC is stored while the next layer is read. More would need memory.
      await last;
      last = storeResult(task, withinMemory(result, total));
      last.catch((error: unknown) => abort.abort(error));
      storing.push(last);
    }
    await last;
  };
  try {
    signal?.throwIfAborted();
    await Promise.all(threads.length === 0 ? [work(buildHere)] : threads.map((thread) => work(buildIn(thread))));
    await Promise.all(threads.map((thread) => thread.close()));
    return built;
  } catch (error) {
    abort.abort(error);
    await Promise.all(threads.map((thread) => thread.terminate()));
    await Promise.allSettled(storing);
    // An abort can surface as various errors. Throw its reason.
    throw combined.reason;
  } finally {
    await secondThread?.close();
  }
}
