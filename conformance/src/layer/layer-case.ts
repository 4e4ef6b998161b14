import { Random } from '@soci/test-content';
import { type Corruption, corrupt, randomCorruption } from './corruption.ts';
import { type Encoder, type GoCompressor, renderLayer } from './encoder.ts';
import type { ProgramName } from './programs.ts';
import { randomEncoder } from './random-encoder.ts';
import { randomTar } from './random-tar.ts';
import { renderTar, type TarShape } from './tar.ts';

/** How the layer is passed to our build: as a whole, in chunks of one size, or in chunks of any size. */
type Chunking =
  | { readonly kind: 'whole' }
  | { readonly kind: 'even'; readonly size: number }
  | { readonly kind: 'uneven'; readonly seed: number };

/**
 * A comparison of one layer, as plain data that can be stored and shrunk: the layer, and the parameters of the zTOC.
 */
export interface LayerCase {
  readonly tar: TarShape;
  readonly encoder: Encoder;
  /** Corruptions of the encoded blob. */
  readonly corruptions: readonly Corruption[];
  readonly spanSize: number;
  readonly tool: string;
  readonly chunking: Chunking;
}

/** Probability that a blob is corrupted after encoding. */
const CORRUPTED = 0.08;
/** Returns the case of a seed and a number. It is the same on all machines that have the same programs. */
export function randomLayerCase(seed: number, number: number, programs: readonly ProgramName[]): LayerCase {
  const random = new Random(seed, number);
  const size = random.weighted([
    [30, random.magnitude(1000, 100_000)],
    [50, random.magnitude(1000, 2_000_000)],
    [25, random.between(100_000, 2_000_000)],
    [0.7, random.between(8_000_000, 16_000_000)],
  ]);
  const encoder = randomEncoder(random, size, programs);
  const spanSize = random.weighted([
    [4, random.magnitude(1, 4 << 20)],
    [2, random.magnitude(1000, 300_000)],
    [2, random.pick([1, 2, 4096, 32_767, 32_768, 65_536, 1 << 20, 4 << 20])],
  ]);
  return {
    tar: randomTar(random, size),
    encoder,
    corruptions: random.chance(CORRUPTED) ? [randomCorruption(random)] : [],
    spanSize,
    tool: random.chance(0.9) ? 'AWS SOCI CLI v0.2' : random.pick(['x', 'grüße', 'a tool '.repeat(50)]),
    chunking: randomChunking(random, size),
  };
}

function randomChunking(random: Random, size: number): Chunking {
  return random.weighted<Chunking>([
    [3, { kind: 'whole' }],
    [2, { kind: 'even', size: random.magnitude(Math.ceil(size / 20_000), 1 << 20) }],
    [3, { kind: 'uneven', seed: random.uint32() }],
  ]);
}

/** Makes the blob of a case. */
export async function renderCase(layerCase: LayerCase, compressWithGo: GoCompressor): Promise<Uint8Array> {
  const blob = await renderLayer(layerCase.encoder, renderTar(layerCase.tar), compressWithGo);
  return corrupt(blob, layerCase.corruptions);
}

/** Splits the blob into chunks. Each chunk is a copy that is overwritten afterwards, so that a late use shows. */
export function* chunksOf(blob: Uint8Array, chunking: Chunking): Generator<Uint8Array> {
  if (chunking.kind === 'whole') {
    yield blob;
    return;
  }
  const random = new Random(chunking.kind === 'uneven' ? chunking.seed : 0);
  const mean = Math.max(1, blob.length / 200);
  for (let at = 0; at < blob.length; ) {
    const size = chunking.kind === 'even' ? chunking.size : random.magnitude(0, 4 * mean);
    const piece = new Uint8Array(blob.subarray(at, at + size));
    yield piece;
    piece.fill(0xee);
    at += size;
  }
}
