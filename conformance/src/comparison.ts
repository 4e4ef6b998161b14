import { chunksOf, type LayerCase, renderCase } from './layer/layer-case.ts';
import { buildOurs } from './ours.ts';
import { type Difference, findDifference, type Outcome } from './outcome.ts';
import { findReadBackDifference } from './read-back.ts';
import type { Reference, ZtocRequest } from './reference.ts';

/** What came of comparing one layer. */
export interface Comparison {
  readonly layer: Uint8Array;
  readonly ours: Outcome;
  readonly reference: Outcome;
  readonly difference: Difference | undefined;
  /** Files that were extracted through the zTOC and found right. */
  readonly filesRead: number;
}

/** Files of a layer that are read back where that is asked for: each costs the reference a decode up to the file. */
const FILES_READ_BACK = 3;

/** Builds a case's layer and compares what the reference and we make of it; with `readBack`, of files read through it too. */
export async function compareCase(layerCase: LayerCase, reference: Reference, readBack: boolean): Promise<Comparison> {
  const layer = await renderCase(layerCase, (data, level, flushEvery) => reference.compress(data, level, flushEvery));
  return compareLayer(
    layer,
    chunksOf(layer, layerCase.chunking),
    requestOf(layerCase, layer.length),
    reference,
    readBack ? FILES_READ_BACK : 0,
  );
}

/** Compares what the reference and we make of a layer. */
export async function compareLayer(
  layer: Uint8Array,
  chunks: Iterable<Uint8Array>,
  request: ZtocRequest,
  reference: Reference,
  readBack: number,
): Promise<Comparison> {
  const asked = reference.build(layer, request);
  const ours = await buildOurs(chunks, request);
  const theirs = await asked;
  let difference = findDifference(ours, theirs);
  let filesRead = 0;
  if (difference === undefined && ours.kind === 'built' && readBack > 0) {
    const result = await findReadBackDifference(layer, ours.ztoc, request.algorithm, reference, readBack);
    difference = result.difference;
    filesRead = result.filesRead;
  }
  return { layer, ours, reference: theirs, difference, filesRead };
}

/** Plain cuts can be as many as the layer has bytes; beyond this number they show nothing more, and cost a digest each. */
const MAX_PLAIN_SPANS = 3000;

/** What a case asks of both sides, for a layer of so many bytes. */
function requestOf({ encoder, spanSize, tool }: LayerCase, layerSize: number): ZtocRequest {
  if (encoder.kind === 'gzip') return { spanSize, tool, algorithm: 'gzip' };
  return { spanSize: Math.max(spanSize, Math.ceil(layerSize / MAX_PLAIN_SPANS)), tool, algorithm: 'uncompressed' };
}
