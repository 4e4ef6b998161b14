import { Random } from '@soci/test-content';
import { type Corruption, corrupt, randomCorruption } from './corruption.ts';
import { type Encoder, type GoCompressor, renderLayer } from './encoder.ts';
import type { ProgramName } from './programs.ts';
import { randomEncoder } from './random-encoder.ts';
import { randomTar } from './random-tar.ts';
import { renderTar, type TarShape } from './tar.ts';

/** How our build is fed: whole, in pieces of one size, or in pieces of any size. */
type Chunking =
  | { readonly kind: 'whole' }
  | { readonly kind: 'even'; readonly size: number }
  | { readonly kind: 'uneven'; readonly seed: number };

/** One comparison as a recipe: the layer, and how a zTOC is to be made of it. Plain data, so that it can be kept and shrunk. */
export interface LayerCase {
  readonly tar: TarShape;
  readonly encoder: Encoder;
  /** What happens to the blob after encoding. */
  readonly corruptions: readonly Corruption[];
  readonly spanSize: number;
  readonly tool: string;
  readonly chunking: Chunking;
}

/** How likely a blob is spoilt after encoding. */
const CORRUPTED = 0.08;
/** The case of this seed and number, the same every time on machines that have the same programs. */
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

/** The blob of a case. */
export async function renderCase(layerCase: LayerCase, compressWithGo: GoCompressor): Promise<Uint8Array> {
  const blob = await renderLayer(layerCase.encoder, renderTar(layerCase.tar), compressWithGo);
  return corrupt(blob, layerCase.corruptions);
}

/** The blob in the pieces that our build is to take. Each is a copy of its own, so that a use after its turn shows. */
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
