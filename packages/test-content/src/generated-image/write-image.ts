import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentOf } from '../content.ts';
import { type LayerRecipe, writeLayer } from './layer.ts';

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

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
    const { descriptor, bytes } = contentOf(mediaType, value);
    await writeFile(join(blobs, descriptor.digest.slice('sha256:'.length)), bytes);
    return descriptor;
  };
  const layers = [];
  let [size, plainSize] = [0, 0];
  for (const [index, recipe] of recipes.entries()) {
    const unnamed = join(blobs, `layer-${index}`);
    const layer = await writeLayer(unnamed, recipe, index + 1);
    await rename(unnamed, join(blobs, layer.digest.slice('sha256:'.length)));
    layers.push({ mediaType: LAYER, digest: layer.digest, size: layer.size });
    size += layer.size;
    plainSize += layer.plainSize;
  }
  const platform = { architecture: 'amd64', os: 'linux' };
  const config = await put(CONFIG, { ...platform, rootfs: { type: 'layers', diff_ids: [] } });
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
  const root = await put(MANIFEST, manifest);
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [root] };
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return { size, plainSize };
}
