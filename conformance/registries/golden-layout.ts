import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { goldenLayoutNames, goldenLayoutPath } from '@soci/test-content';

/** A golden layout with one image. */
interface GoldenImage {
  readonly name: string;
  /** Path of the layout. */
  readonly folder: string;
  /** Descriptor in its index.json. */
  readonly root: Descriptor;
}

/** All golden layouts. */
export function goldenImages(): GoldenImage[] {
  return goldenLayoutNames().map(goldenImage);
}

/** Returns the golden layout with a name. */
export function goldenImage(name: string): GoldenImage {
  const folder = goldenLayoutPath(name);
  return { name, folder, root: rootOf(folder) };
}

/** Returns the first descriptor in the index.json of a layout. */
export function rootOf(layout: string): Descriptor {
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: [Descriptor] };
  return manifests[0];
}

/** Reads a blob of a golden layout. */
export function goldenBlob({ folder }: GoldenImage, digest: string): Buffer {
  return readFileSync(join(folder, 'blobs', ...digest.split(':')));
}
