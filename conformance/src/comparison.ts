import { chunksOf, type LayerCase, renderCase } from './layer/layer-case.ts';
import { buildOurs } from './ours.ts';
import { type Difference, findDifference, type Outcome } from './outcome.ts';
import { findReadBackDifference } from './read-back.ts';
import type { Reference, ZtocRequest } from './reference.ts';
import { findRuntimeDifference } from './runtime-difference.ts';

/** The result of comparing one layer. */
export interface Comparison {
  readonly layer: Uint8Array;
  readonly ours: Outcome;
  readonly reference: Outcome;
  readonly difference: Difference | undefined;
  /** Number of files that were extracted through the zTOC with the right content. */
  readonly filesRead: number;
}

/** Number of files that are read back from a layer. The reference decodes the layer up to each file. */
const FILES_READ_BACK = 3;

/** Maximum size of a zTOC through which files are read back, in bytes: a request is a string, which has at most 512 MiB. */
const MAX_READ_BACK_SIZE = 2 ** 28;

/** Builds the layer of a case and compares both zTOCs. With `readBack`, it also reads files through the zTOC. */
export async function compareCase(layerCase: LayerCase, reference: Reference, readBack: boolean): Promise<Comparison> {
  const layer = await renderCase(layerCase, (data, level, flushEvery) => reference.compress(data, level, flushEvery));
  return compareLayer(
    layer,
    () => chunksOf(layer, layerCase.chunking),
    requestOf(layerCase, layer.length),
    reference,
    readBack ? FILES_READ_BACK : 0,
  );
}

/** Compares the zTOC of the reference with ours for a layer. */
export async function compareLayer(
  layer: Uint8Array,
  chunks: () => Iterable<Uint8Array>,
  request: ZtocRequest,
  reference: Reference,
  readBack: number,
): Promise<Comparison> {
  const asked = reference.build(layer, request);
  const ours = await buildOurs(chunks, request);
  const theirs = await asked;
  let difference = findDifference(ours, theirs);
  let filesRead = 0;
  if (difference === undefined && ours.kind === 'built' && readBack > 0 && ours.ztoc.length <= MAX_READ_BACK_SIZE) {
    const result = await findReadBackDifference(layer, ours.ztoc, request.algorithm, reference, readBack);
    difference = result.difference;
    filesRead = result.filesRead;
    difference ??= await findRuntimeDifference(layer, ours.ztoc, request.algorithm, reference);
  }
  return { layer, ours, reference: theirs, difference, filesRead };
}

/** Maximum number of spans of an uncompressed layer. More spans only cost time. */
const MAX_PLAIN_SPANS = 3000;

/** Returns the request of a case for a layer of this size. */
function requestOf({ encoder, spanSize, tool }: LayerCase, layerSize: number): ZtocRequest {
  if (encoder.kind === 'gzip') return { spanSize, tool, algorithm: 'gzip' };
  return { spanSize: Math.max(spanSize, Math.ceil(layerSize / MAX_PLAIN_SPANS)), tool, algorithm: 'uncompressed' };
}
