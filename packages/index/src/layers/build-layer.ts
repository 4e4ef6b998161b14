import { buildZtoc, ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import { describeZtoc, type KnownZtoc } from './known-ztoc.ts';
import type { LayerTask } from './layer-plan.ts';
import type { LayerSettings } from './layer-settings.ts';

/** A zTOC, encoded, and what the rest of the work needs to know of it. Plain data: it comes from worker threads. */
export interface BuiltLayer extends KnownZtoc {
  readonly ztoc: Uint8Array;
  /** `built` from the layer's bytes here, or `reused` from an earlier run. */
  readonly origin: 'built' | 'reused';
  /** Wall time of building it, or of finding and checking it. */
  readonly seconds: number;
}

/**
 * Builds the zTOC of one layer in this thread and checks that the bytes were the layer's.
 *
 * @throws SociIndexError `LAYER_INVALID`, `LAYER_MISMATCH`; what `chunks` throws.
 */
export async function buildLayer(
  chunks: AsyncIterable<Uint8Array>,
  task: LayerTask,
  settings: LayerSettings,
  onProgress: (progress: LayerProgress) => void,
  signal?: AbortSignal,
): Promise<BuiltLayer> {
  const started = performance.now();
  const { spanSize, buildToolIdentifier, limits } = settings;
  const { ztoc, bytes, layerDigest, layerSize } = await buildZtoc(boundLayer(chunks, task), {
    spanSize,
    buildToolIdentifier,
    limits,
    compression: task.compression,
    onProgress,
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    throw error instanceof ZtocError ? layerError(task, error) : error;
  });
  if (layerDigest !== task.digest || layerSize !== task.size) {
    const found =
      layerSize === task.size ? `its digest is ${layerDigest}` : `it has ${layerSize} bytes, not ${task.size}`;
    throw new SociIndexError('LAYER_MISMATCH', `layer ${task.digest} is not what its descriptor says: ${found}`, {
      digest: task.digest,
    });
  }
  return {
    ...describeZtoc(ztoc, bytes, settings),
    ztoc: bytes,
    origin: 'built',
    seconds: (performance.now() - started) / 1000,
  };
}

/** Passes a layer on, and stops where it is longer than its descriptor says. */
export async function* boundLayer(
  chunks: AsyncIterable<Uint8Array>,
  { digest, size }: Pick<LayerTask, 'digest' | 'size'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > size) {
      throw new SociIndexError(
        'LAYER_MISMATCH',
        `layer ${digest} is not what its descriptor says: it has more than ${size} bytes`,
        { digest },
      );
    }
    yield chunk;
  }
}

/** The error of a layer whose data is broken. */
export function layerError(
  { digest, mediaType }: Pick<LayerTask, 'digest' | 'mediaType'>,
  cause: ZtocError,
): SociIndexError {
  const code = cause.code === 'LIMIT_EXCEEDED' || cause.code === 'OPTION_INVALID' ? cause.code : 'LAYER_INVALID';
  return new SociIndexError(code, `layer ${digest} (${mediaType}): ${cause.message}`, { cause, digest });
}
