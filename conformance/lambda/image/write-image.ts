import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  digestOf,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER_GZIP,
} from '@soci/oci';
import { type LayerRecipe, writeLayer } from './layer.ts';

/** A written image. */
export interface WrittenImage {
  /** Compressed size of its layers, in bytes. */
  readonly size: number;
  /** Uncompressed size of its layers, in bytes. */
  readonly plainSize: number;
}

/** Writes an image as an OCI image layout. The same options produce the same bytes. */
export async function writeImage(folder: string, recipes: readonly LayerRecipe[]): Promise<WrittenImage> {
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const put = async (mediaType: string, value: object) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    await writeFile(join(blobs, digest.slice('sha256:'.length)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const layers = [];
  let [size, plainSize] = [0, 0];
  for (const [index, recipe] of recipes.entries()) {
    const unnamed = join(blobs, `layer-${index}`);
    const layer = await writeLayer(unnamed, recipe, index + 1);
    await rename(unnamed, join(blobs, layer.digest.slice('sha256:'.length)));
    layers.push({ mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, digest: layer.digest, size: layer.size });
    size += layer.size;
    plainSize += layer.plainSize;
  }
  const platform = { architecture: 'amd64', os: 'linux' };
  const config = await put(MEDIA_TYPE_OCI_IMAGE_CONFIG, { ...platform, rootfs: { type: 'layers', diff_ids: [] } });
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers };
  const root = await put(MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest);
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests: [root] };
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return { size, plainSize };
}
