import { Random } from '../random.ts';
import { bareHeader, TAR_END, tarPadding } from '../tar.ts';
import { type Kind, makeContent } from './file-content.ts';
import { GzipFile, type Stretch, stretchOf } from './gzip-file.ts';

/** Options of a layer. */
export interface LayerRecipe {
  /** Size in bytes. */
  readonly size: number;
  /** Whether the size is compressed or uncompressed. */
  readonly of: 'archive' | 'content';
  /** Kinds of its large files, with their relative frequencies. */
  readonly kinds: readonly (readonly [weight: number, kind: Kind])[];
}

/** A written layer. */
interface WrittenLayer {
  readonly digest: string;
  readonly size: number;
  /** Uncompressed size, in bytes. */
  readonly plainSize: number;
}

const MIB = 1 << 20;
/** Number of different blocks of each kind, from which large files are composed. */
const VARIETY = 6;
/** Number of small files in a group, and their maximum size in bytes. */
const SMALL_FILES = 100;
const SMALL_SIZE = 8192;

const prepared = new Map<Kind, readonly Stretch[]>();

/** Writes a layer: large files of repeated blocks, with small unique files between them. */
export async function writeLayer(path: string, recipe: LayerRecipe, seed: number): Promise<WrittenLayer> {
  const random = new Random(seed);
  const file = await GzipFile.create(path);
  const size = () => (recipe.of === 'archive' ? file.size : file.plainSize);
  for (let number = 0; size() < recipe.size; number += 1) {
    await file.write(stretchOf(smallFiles(random, `${seed}/small/${number}`)));
    const kind = random.weighted(recipe.kinds);
    const count = random.magnitude(1, 8);
    await file.write(stretchOf(bareHeader(`${seed}/large/${number}.${kind}`, count * MIB)));
    for (let i = 0; i < count; i += 1) await file.write(random.pick(stretchesOf(kind)));
  }
  await file.write(stretchOf(TAR_END));
  const { plainSize } = file;
  const digest = await file.finish();
  return { digest, size: file.size, plainSize };
}

function stretchesOf(kind: Kind): readonly Stretch[] {
  const known = prepared.get(kind);
  if (known !== undefined) return known;
  const made = Array.from({ length: VARIETY }, (_, i) => stretchOf(makeContent(kind, MIB, i)));
  prepared.set(kind, made);
  return made;
}

function smallFiles(random: Random, folder: string): Buffer {
  const parts: Uint8Array[] = [];
  const source = random.pick(stretchesOf('text')).plain;
  for (let i = 0; i < SMALL_FILES; i += 1) {
    const size = random.magnitude(1, SMALL_SIZE);
    const start = random.between(0, MIB - SMALL_SIZE);
    parts.push(bareHeader(`${folder}/${i}`, size), source.subarray(start, start + size), tarPadding(size));
  }
  return Buffer.concat(parts);
}

const MB = 1e6;
const GB = 1e9;

/** Kinds of files, as in images of programming languages with libraries. */
const MIXED = [
  [5, 'program'],
  [3, 'text'],
  [2, 'noise'],
] as const;

/** An image of typical size: 437 MB compressed. */
export const USUAL_IMAGE: readonly LayerRecipe[] = [208, 106, 59, 34, 19, 5].map((size) => ({
  size: size * MB,
  of: 'archive',
  kinds: MIXED,
}));

/** An image of 6 GB uncompressed, from incompressible to highly compressible content. */
export const LARGE_IMAGE: readonly LayerRecipe[] = [
  { size: 1.2 * GB, of: 'archive', kinds: [[1, 'noise']] },
  { size: 1.4 * GB, of: 'content', kinds: MIXED },
  { size: 1.4 * GB, of: 'content', kinds: MIXED },
  { size: 2 * GB, of: 'content', kinds: [[1, 'zeros']] },
];
