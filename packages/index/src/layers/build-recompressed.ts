import { PassThrough } from 'node:stream';
import type { StreamPusher } from '@soci/oci';
import type { LayerProgress } from '../progress.ts';
import type { BuiltLayer } from './build-layer.ts';
import type { Build } from './build-layers.ts';
import type { LayerTask } from './layer-plan.ts';
import { type RecompressionSource, recompressLayer } from './recompress-layer.ts';

/** Bytes of a recompressed layer that wait to be written to the target. */
const BUFFERED_BYTES = 1 << 20;

/** How a recompressed layer is built. */
interface RecompressedBuild {
  readonly task: LayerTask;
  readonly build: Build;
  readonly report: (progress: LayerProgress) => void;
  readonly target: StreamPusher | undefined;
  readonly signal: AbortSignal;
}

/**
 * Recompresses a layer and builds the zTOC of the result in the same pass. Writes the result to `target` at the same time,
 * if there is one. Progress counts the bytes of the original layer.
 *
 * @throws SociIndexError as in `recompressLayer` and `buildLayer`; errors of `chunks` and `target`.
 */
export async function buildRecompressed(
  chunks: AsyncIterable<Uint8Array>,
  source: RecompressionSource,
  { task, build, report, target, signal }: RecompressedBuild,
): Promise<BuiltLayer> {
  let bytes = 0;
  const counted = countBytes(chunks, (length) => {
    bytes += length;
  });
  const gzip = recompressLayer(counted, source);
  const copy = target === undefined ? undefined : new StreamCopy(gzip, target, signal);
  const reportSource = (progress: LayerProgress) => report({ ...progress, bytes });
  try {
    const built = await build(copy?.chunks ?? gzip, { ...task, compression: 'gzip' }, reportSource);
    const stored = await copy?.stored;
    const isStored = stored?.digest === built.layer.digest;
    return { ...built, recompressed: { ...source, gzip: built.layer, isStored } };
  } catch (error) {
    await copy?.cancel();
    throw error;
  }
}

async function* countBytes(
  chunks: AsyncIterable<Uint8Array>,
  count: (length: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}

/** Writes a stream to a store while it is read. The slower of the two readers sets the pace. */
class StreamCopy {
  /** The stream. It ends after the store has everything. Fails if the store fails. */
  readonly chunks: AsyncGenerator<Uint8Array, void, undefined>;
  /** The written content, or undefined if the store needs its digest first. */
  readonly stored: ReturnType<StreamPusher['pushStream']>;
  readonly #pipe = new PassThrough({ highWaterMark: BUFFERED_BYTES });
  readonly #abort = new AbortController();

  constructor(chunks: AsyncIterable<Uint8Array>, target: StreamPusher, signal: AbortSignal) {
    this.#pipe.on('error', () => {}); // thrown by `#write`
    this.stored = target.pushStream(this.#pipe, { signal: AbortSignal.any([signal, this.#abort.signal]) });
    // The store may stop reading early.
    this.stored.then(() => this.#pipe.destroy()).catch((error: Error) => void this.#pipe.destroy(error));
    this.chunks = this.#copy(chunks);
  }

  /** Ends the write, if it still runs. Resolves after the store has removed what it has written. */
  async cancel(): Promise<void> {
    const reason = new Error('the layer was not read to its end');
    this.#abort.abort(reason);
    this.#pipe.destroy(reason);
    await this.stored.catch(() => {});
  }

  async *#copy(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) {
      await this.#write(chunk);
      yield chunk;
    }
    this.#pipe.end();
    await this.stored;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const pipe = this.#pipe;
    if (pipe.errored) throw pipe.errored;
    if (pipe.destroyed || pipe.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        pipe.off('drain', done).off('close', done);
        resolve();
      };
      pipe.on('drain', done).on('close', done);
    });
  }
}
