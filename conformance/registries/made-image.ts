import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '@soci/test-content';
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

/** Returns the content of a file of the image. */
export function madeFile(name: string): Buffer {
  return Buffer.concat([noise(name, FILE_SIZE / 2), Buffer.alloc(FILE_SIZE / 2, `${name}\n`)]);
}

function archive(layer: string): Uint8Array {
  const names = Array.from({ length: FILES }, (_, i) => `${layer}/${i}`);
  return tarOf(Object.fromEntries(names.map((name) => [name, madeFile(name)])));
}
