import list from './known-differences.json' with { type: 'json' };
import type { TreeDifferences } from './tree.ts';

/** Names of the images with known differences. */
export type KnownImage = keyof typeof list;

/**
 * Returns the differences between a lazy and an ordinary pull of an image that the reference's index has, too. The tests compare
 * them for equality with those that they find, so an entry of known-differences.json that no longer occurs fails.
 */
export function knownDifferences(image: KnownImage): TreeDifferences {
  const merged: Record<string, string[]> = {};
  for (const { what, paths } of list[image]) merged[what] = [...(merged[what] ?? []), ...paths].sort();
  return merged;
}
