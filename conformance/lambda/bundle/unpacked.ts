import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FILTER_BUNDLE, GENERATOR_BUNDLE } from '@soci/functions';
import { unzip } from './unzip.ts';

/** Beside the other parts, and not in a folder for temporary files: a function may be shown an empty one. */
const FOLDER = fileURLToPath(new URL('../../../.cache/lambda/functions', import.meta.url));

/** The code of the filtering function, as it comes out of its zip. */
export const FILTER_FOLDER = join(FOLDER, 'filter');

/** The code of the generator, likewise. */
export const GENERATOR_FOLDER = join(FOLDER, 'generator');

/** Unpacks both zips: what is run is what is shipped. */
export function unpackFunctions(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  unpack(FILTER_BUNDLE.zip, FILTER_FOLDER);
  unpack(GENERATOR_BUNDLE.zip, GENERATOR_FOLDER);
}

/** Writes a function of our own beside them. */
export function writeFunction(name: string, source: string): string {
  const folder = join(FOLDER, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  writeFileSync(join(folder, 'index.js'), source);
  return folder;
}

function unpack(zip: string, folder: string): void {
  for (const { name, content } of unzip(readFileSync(zip))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}
