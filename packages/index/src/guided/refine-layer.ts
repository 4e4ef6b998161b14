import { type RandomAccessSource, type ReadRange, refineZtoc, ZtocError, type ZtocLimits } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { type BuiltLayer, resizeSummary } from '../layers/build-layer.ts';
import type { ZtocTotal } from '../layers/build-layers.ts';
import { readAgainIfDamaged } from '../layers/damaged-layer.ts';
import { digestReads } from './read-ranges.ts';

/** Limits of the zTOCs, and the abort signal. */
interface RefineOptions {
  readonly limits: ZtocLimits;
  /** Counts the zTOCs of the image. It contains the unchanged zTOC of the layer already. */
  readonly total: ZtocTotal;
  /** Whether the bytes that are read again are verified. */
  readonly verify: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Divides the spans of a layer that the start of a container reads. Reads these spans of the layer again, and once more if
 * they are damaged. A layer without candidates keeps its spans, and so does one whose zTOC would exceed a limit: a profile
 * never makes an index fail.
 *
 * @param layer - A layer that was built with the span size `auto`.
 * @throws SociIndexError `LAYER_MISMATCH`; errors of the source; the abort reason of the signal.
 */
export async function refineLayer(
  layer: BuiltLayer,
  reads: readonly ReadRange[],
  source: () => RandomAccessSource,
  { limits, total, verify, signal }: RefineOptions,
): Promise<BuiltLayer> {
  const { candidates, ...coarse } = layer;
  if (candidates === undefined || reads.length === 0) return { ...coarse, readsDigest: digestReads([]) };
  const unchanged = { ...coarse, readsDigest: digestReads(reads) };
  const refined = await readAgainIfDamaged(() =>
    refineZtoc(coarse.ztoc, candidates, reads, source(), { limits, verify, signal }).catch((error: unknown) => {
      if (!(error instanceof ZtocError)) throw error;
      if (error.code === 'LIMIT_EXCEEDED') return undefined;
      if (error.code !== 'SPAN_DIGEST_MISMATCH') throw error;
      const { digest } = layer.layer;
      const message = `layer ${digest} differs from what was read before: ${error.message}`;
      throw new SociIndexError('LAYER_MISMATCH', message, { cause: error, digest });
    }),
  );
  if (refined === undefined || !total.add(refined.bytes.length - coarse.ztocSize)) return unchanged;
  const { ztoc, bytes } = refined;
  return { ...unchanged, ...resizeSummary(coarse, ztoc, bytes), ztoc: bytes };
}
