import type { LayerRecipe } from './layer.ts';

const MB = 1e6;
const GB = 1e9;

/** Kinds of files as in images of languages and their libraries. */
const MIXED = [
  [5, 'program'],
  [3, 'text'],
  [2, 'noise'],
] as const;

/** An image of a usual size, 437 MB as it is sent. */
export const USUAL_IMAGE: readonly LayerRecipe[] = [208, 106, 59, 34, 19, 5].map((size) => ({
  size: size * MB,
  of: 'archive',
  kinds: MIXED,
}));

/** An image of 6 GB when it is uncompressed: from what nothing compresses to what is hardly there. */
export const LARGE_IMAGE: readonly LayerRecipe[] = [
  { size: 1.2 * GB, of: 'archive', kinds: [[1, 'noise']] },
  { size: 1.4 * GB, of: 'content', kinds: MIXED },
  { size: 1.4 * GB, of: 'content', kinds: MIXED },
  { size: 2 * GB, of: 'content', kinds: [[1, 'zeros']] },
];
