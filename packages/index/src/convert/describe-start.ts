import { decodeZtocSpans, type ReadRange, type Span } from '@soci/ztoc';
import type { BuiltLayer } from '../layers/build-layer.ts';
import { type LayerPlan, taskKey } from '../layers/layer-plan.ts';
import type { PlannedStart } from './build-guided.ts';
import type { PrefetchLocation } from './prefetch-files.ts';
import type { StartReport } from './report.ts';

/** Finds the spans that contain what the start of a container reads, and counts their bytes. */
export function describeStart(
  { files, filesFound, reads }: PlannedStart,
  layers: readonly LayerPlan[],
  built: ReadonlyMap<string, BuiltLayer>,
): { readonly report: StartReport; readonly prefetch: readonly PrefetchLocation[] } {
  const prefetch: PrefetchLocation[] = [];
  const seen = new Set<string>();
  let bytesRead = 0;
  let ztocsSize = 0;
  for (const layer of layers) {
    const result = 'task' in layer ? built.get(taskKey(layer.task)) : undefined;
    const { digest } = layer.descriptor;
    if (result === undefined || seen.has(digest)) continue;
    seen.add(digest);
    ztocsSize += result.ztocSize;
    for (const { id, compressedStart, compressedEnd } of findSpans(result.ztoc, reads.get(digest) ?? [])) {
      bytesRead += compressedEnd - compressedStart;
      prefetch.push({ layer: digest, spans: { start: id, end: id } });
    }
  }
  return { report: { files, filesFound, bytesRead, ztocsSize }, prefetch };
}

/**
 * Returns the spans that contain a byte of a range, or the byte after it: the runtime requests that one, too
 * (soci-snapshotter v0.16.1, fs/span-manager/span_manager.go, `getSpanInfo`).
 *
 * @param reads - Sorted and not overlapping.
 */
function findSpans(ztoc: Uint8Array, reads: readonly ReadRange[]): readonly Span[] {
  if (reads.length === 0) return [];
  let next = 0;
  return decodeZtocSpans(ztoc).filter(({ uncompressedStart, uncompressedEnd }) => {
    while (next < reads.length && (reads[next] as ReadRange).end < uncompressedStart) next += 1;
    const read = reads[next];
    return read !== undefined && uncompressedStart < uncompressedEnd && read.start < uncompressedEnd;
  });
}
