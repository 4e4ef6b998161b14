import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noise } from './content.ts';
import { craneAppend } from './oracles.ts';
import type { RealRegistry } from './real-registry.ts';

const BLOCK = 512;
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

function archive(layer: string): Buffer {
  const names = Array.from({ length: FILES }, (_, i) => `${layer}/${i}`);
  return Buffer.concat([...names.flatMap((name) => [header(name), madeFile(name)]), Buffer.alloc(2 * BLOCK)]);
}

/** @see POSIX.1-2017, pax, "ustar Interchange Format" */
function header(name: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0);
  block.write('0000644\x000000000\x000000000\0', 100);
  block.write(`${FILE_SIZE.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        0', 148);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
