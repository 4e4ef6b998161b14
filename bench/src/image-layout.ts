import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of all the blobs of a layout folder. */
export function sizeOf(layout: string): number {
  const blobs = join(layout, 'blobs/sha256');
  return readdirSync(blobs).reduce((sum, name) => sum + statSync(join(blobs, name)).size, 0);
}

/** How many layers the only image of a layout folder has. */
export function layersOf(layout: string): number {
  const root = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  const digest = root.manifests[0]?.digest.replace('sha256:', '') ?? '';
  return (JSON.parse(readFileSync(join(layout, 'blobs/sha256', digest), 'utf8')) as { layers: unknown[] }).layers
    .length;
}
