import type { ByteRange } from '@soci/oci';

/**
 * Returns the bytes of `ranges` that are not in `removed`: sorted, not overlapping, within `0` to `end`. Gaps shorter than
 * `minGap` are filled.
 */
export function subtractRanges(
  ranges: readonly ByteRange[],
  removed: readonly ByteRange[],
  { end, minGap }: { readonly end: number; readonly minGap: number },
): ByteRange[] {
  const gaps = mergeRanges(removed, { end, minGap: 0 }).filter(({ length }) => length >= minGap);
  const kept: ByteRange[] = [];
  for (const { offset, length } of mergeRanges(ranges, { end, minGap })) {
    let at = offset;
    for (const gap of gaps) {
      if (gap.offset + gap.length <= at || gap.offset >= offset + length) continue;
      if (gap.offset > at) kept.push({ offset: at, length: gap.offset - at });
      at = gap.offset + gap.length;
    }
    if (at < offset + length) kept.push({ offset: at, length: offset + length - at });
  }
  return kept;
}

/** Returns the same bytes, sorted and merged, within `0` to `end`. Gaps shorter than `minGap` are filled. */
function mergeRanges(
  ranges: readonly ByteRange[],
  { end, minGap }: { readonly end: number; readonly minGap: number },
): ByteRange[] {
  const merged: ByteRange[] = [];
  for (const { offset, length } of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const limit = Math.min(offset + length, end);
    if (!(limit > offset)) continue;
    const last = merged.at(-1);
    if (last !== undefined && offset - (last.offset + last.length) <= minGap) {
      const start = last.offset;
      merged[merged.length - 1] = { offset: start, length: Math.max(limit, start + last.length) - start };
    } else merged.push({ offset, length: limit - offset });
  }
  return merged;
}
