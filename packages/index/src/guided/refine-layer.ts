import { type RandomAccessSource, type ReadRange, refineZtoc, ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { type BuiltLayer, resizeSummary } from '../layers/build-layer.ts';
import { readAgainIfDamaged } from '../layers/damaged-layer.ts';
import { digestReads } from './read-ranges.ts';

/**
 * Divides the spans of a layer that the start of a container reads. Reads these spans of the layer again, and once more if
 * they are damaged. A layer without candidates keeps its spans.
 *
 * @param layer - A layer that was built with the span size `auto`.
 * @throws SociIndexError `LAYER_MISMATCH`; errors of the source; the abort reason of the signal.
 */
export async function refineLayer(
  layer: BuiltLayer,
  reads: readonly ReadRange[],
  source: () => RandomAccessSource,
  signal: AbortSignal | undefined,
): Promise<BuiltLayer> {
  const { candidates, ...coarse } = layer;
  if (candidates === undefined || reads.length === 0) return { ...coarse, readsDigest: digestReads([]) };
  const { ztoc, bytes } = await readAgainIfDamaged(() =>
    refineZtoc(coarse.ztoc, candidates, reads, source(), { signal }).catch((error: unknown) => {
      if (!(error instanceof ZtocError) || error.code !== 'SPAN_DIGEST_MISMATCH') throw error;
      const { digest } = layer.layer;
      const message = `layer ${digest} differs from what was read before: ${error.message}`;
      throw new SociIndexError('LAYER_MISMATCH', message, { cause: error, digest });
    }),
  );
  return { ...coarse, ...resizeSummary(coarse, ztoc, bytes), ztoc: bytes, readsDigest: digestReads(reads) };
}
