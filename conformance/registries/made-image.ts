import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { MEDIA_TYPE_OCI_LAYER_ZSTD } from '@soci/oci';
import { createLayout } from '@soci/oci/layout';
import { putLayeredImage, tarOf } from '@soci/test-content';
import { noise } from './content.ts';
import { craneAppend } from './oracles.ts';
import type { RealRegistry } from './real-registry.ts';

const FILE_SIZE = 1 << 20;
/** Half of each file does not compress, so that a layer is larger than 10 MiB, the default minimum size. */
const FILES = 24;

/** Makes and pushes an image of two layers with crane. It is larger than the golden images. */
export async function pushMadeImage(
  registry: Pick<RealRegistry, 'host'>,
  reference: string,
  folder: string,
): Promise<void> {
  const layers = ['base', 'top'].map((name) => {
    const file = join(folder, `${name}.tar`);
    writeFileSync(file, archive(name));
    return file;
  });
  await craneAppend(`${registry.host}/${reference}`, layers);
}

/** Writes the same image to a new layout, with zstd layers. */
export async function writeZstdImage(folder: string): Promise<void> {
  const layers = ['base', 'top'].map((name) => {
    const tar = archive(name);
    return { tar, bytes: zstdCompressSync(tar), mediaType: MEDIA_TYPE_OCI_LAYER_ZSTD };
  });
  const layout = await createLayout(folder);
  await layout.addRoot(await putLayeredImage(layout, layers));
  await layout.commit();
}

/** Returns the content of a file of the image. */
export function madeFile(name: string): Buffer {
  return Buffer.concat([noise(name, FILE_SIZE / 2), Buffer.alloc(FILE_SIZE / 2, `${name}\n`)]);
}

function archive(layer: string): Uint8Array {
  const names = Array.from({ length: FILES }, (_, i) => `${layer}/${i}`);
  return tarOf(Object.fromEntries(names.map((name) => [name, madeFile(name)])));
}
