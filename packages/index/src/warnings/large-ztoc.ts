import type { LayerWarning } from './layer-warning.ts';

/** Sizes of a layer and its zTOC, in bytes. */
export interface ZtocSizes {
  readonly layerSize: number;
  readonly uncompressedSize: number;
  readonly ztocSize: number;
  readonly spans: number;
  readonly compression: 'gzip' | 'uncompressed';
}

/** Bytes of a span in a zTOC: offsets and a window of 32 KiB for gzip, and a digest of 71 characters. */
const BYTES_PER_SPAN = { gzip: 32_768 + 17 + 84, uncompressed: 84 };

/** Smallest recommended span size, in bytes. */
const MIN_SPAN_SIZE = 1 << 20;

/** Returns a warning if a zTOC is larger than half of its layer. */
export function warnAboutLargeZtoc(sizes: ZtocSizes): LayerWarning | undefined {
  const { layerSize, ztocSize } = sizes;
  if (ztocSize <= layerSize / 2) return undefined;
  const spanSize = findSpanSize(sizes);
  const problem = `the zTOC has ${ztocSize} bytes, more than half of the layer (${layerSize} bytes)`;
  const remedy =
    spanSize === undefined
      ? `No span size helps. Set the minimum layer size above ${layerSize} bytes to skip this layer`
      : `Set the span size to ${spanSize} bytes`;
  const warning = { code: 'ztoc-large', effect: 'slow-start', message: `${problem}. ${remedy}`, count: 0 } as const;
  return { ...warning, paths: [], ...(spanSize !== undefined && { spanSize }) };
}

/** Returns the smallest power of two with which the zTOC has at most half of the size of the layer. */
function findSpanSize({ layerSize, uncompressedSize, ztocSize, spans, compression }: ZtocSizes): number | undefined {
  const perSpan = BYTES_PER_SPAN[compression];
  const files = ztocSize - spans * perSpan;
  const maxSpans = Math.floor((layerSize / 2 - files) / perSpan);
  if (maxSpans < 1 || maxSpans >= spans) return undefined;
  let spanSize = MIN_SPAN_SIZE;
  // Every span but the last has more bytes than the span size.
  while (Math.floor(uncompressedSize / spanSize) + 1 > maxSpans) spanSize *= 2;
  return spanSize;
}
