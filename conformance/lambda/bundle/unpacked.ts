import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';
import { FILTER_BUNDLE, GENERATOR_BUNDLE } from '@soci/functions';

/** Not in a folder for temporary files, because some tests replace those with an empty one. */
const FOLDER = fileURLToPath(new URL('../../../.cache/lambda/functions', import.meta.url));

/** Folder with the code of the filtering function from its zip. */
export const FILTER_FOLDER = join(FOLDER, 'filter');

/** Folder with the code of the generator from its zip. */
export const GENERATOR_FOLDER = join(FOLDER, 'generator');

/** Unpacks both zips, so that the tests run the shipped code. */
export function unpackFunctions(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  unpack(FILTER_BUNDLE.zip, FILTER_FOLDER);
  unpack(GENERATOR_BUNDLE.zip, GENERATOR_FOLDER);
}

/** Writes a test function next to them. */
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

/** A file in a zip. */
interface ZippedFile {
  readonly name: string;
  readonly content: Uint8Array;
  /** Unix permissions, such as 0o644. */
  readonly mode: number;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

/**
 * Returns the files of a zip from its central directory.
 *
 * @see APPNOTE.TXT, ".ZIP File Format Specification", 4.3
 */
export function unzip(zip: Buffer): ZippedFile[] {
  const end = zip.length - 22; // The archive comment is empty.
  if (zip.readUInt32LE(end) !== END) throw new Error('the zip does not end with its directory');
  const files: ZippedFile[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== CENTRAL) throw new Error(`there is no entry at ${at}`);
    const nameLength = zip.readUInt16LE(at + 28);
    files.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameLength),
      content: contentOf(zip, at),
      mode: (zip.readUInt32LE(at + 38) >>> 16) & 0o777,
    });
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}

function contentOf(zip: Buffer, entry: number): Uint8Array {
  const [method, size, local] = [
    zip.readUInt16LE(entry + 10),
    zip.readUInt32LE(entry + 20),
    zip.readUInt32LE(entry + 42),
  ];
  if (zip.readUInt32LE(local) !== LOCAL) throw new Error(`there is no file at ${local}`);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const packed = zip.subarray(start, start + size);
  return method === 0 ? packed : inflateRawSync(packed);
}
