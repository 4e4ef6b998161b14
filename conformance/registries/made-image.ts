import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '@soci/test-content';
import { noise } from './content.ts';
import { craneAppend } from './oracles.ts';
import type { RealRegistry } from './real-registry.ts';

const FILE_SIZE = 1 << 20;
/** Half of each file is noise, so a layer is larger than those that are left without a zTOC by default, 10 MiB. */
const FILES = 24;

/** Has crane make an image of two layers, and push it: one that is as large and as right as golden images are not. */
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

/** The content of a file of the made image. */
export function madeFile(name: string): Buffer {
  return Buffer.concat([noise(name, FILE_SIZE / 2), Buffer.alloc(FILE_SIZE / 2, `${name}\n`)]);
}

function archive(layer: string): Uint8Array {
  const names = Array.from({ length: FILES }, (_, i) => `${layer}/${i}`);
  return tarOf(Object.fromEntries(names.map((name) => [name, madeFile(name)])));
}
