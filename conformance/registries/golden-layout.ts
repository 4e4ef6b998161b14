import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Descriptor } from '@soci/oci';

/** A golden layout, which holds one image. */
export interface GoldenImage {
  readonly name: string;
  /** The layout. */
  readonly folder: string;
  /** What its index.json names. */
  readonly root: Descriptor;
}

const FOLDER = fileURLToPath(new URL('../golden/layouts', import.meta.url));

/** Every golden layout. */
export function goldenImages(): GoldenImage[] {
  return readdirSync(FOLDER).map(goldenImage);
}

/** The golden layout of that name. */
export function goldenImage(name: string): GoldenImage {
  const folder = join(FOLDER, name);
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
