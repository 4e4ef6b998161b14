import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { goldenLayoutNames, goldenLayoutPath } from '@soci/test-content';

/** A golden layout, which holds one image. */
interface GoldenImage {
  readonly name: string;
  /** The layout. */
  readonly folder: string;
  /** What its index.json names. */
  readonly root: Descriptor;
}

/** Every golden layout. */
export function goldenImages(): GoldenImage[] {
  return goldenLayoutNames().map(goldenImage);
}

/** The golden layout of that name. */
export function goldenImage(name: string): GoldenImage {
  const folder = goldenLayoutPath(name);
  return { name, folder, root: rootOf(folder) };
}

/** What a layout lists, or lists first. */
export function rootOf(layout: string): Descriptor {
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: [Descriptor] };
  return manifests[0];
}

/** A blob of a golden layout. */
export function goldenBlob({ folder }: GoldenImage, digest: string): Buffer {
  return readFileSync(join(folder, 'blobs', ...digest.split(':')));
}
