import { spawnSync } from 'node:child_process';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';

/** Where prepared data is kept between runs. */
export const CACHE = fileURLToPath(new URL('../../.cache/bench', import.meta.url));

/** A large tar of real files is at least this long: what compresses to 300 MB and more. */
const LARGE_TAR_SIZE = 1_000_000_000;
/** As many archives are wanted at the least: a layer each of an image. */
const LEAST_ARCHIVES = 6;
const BLOCK = 512;

/** Folders that a machine which can run this is likely to have; the last, often the largest, only where the others are small. */
const OWN_TREES = [
  fileURLToPath(new URL('../../node_modules', import.meta.url)),
  '/usr/share',
  '/usr/bin',
  '/usr/include',
  '/usr/local',
  '/etc',
  '/usr/lib',
].filter(existsSync);

/**
 * Archives of real trees: those of the folder `SOCI_BENCH_DATA`, or of its `.work`, where there is one; else archives made
 * of what this machine has installed.
 */
export function realArchives(): string[] {
  const given = process.env.SOCI_BENCH_DATA;
  for (const folder of given === undefined ? [] : [given, join(given, '.work')]) {
    const archives = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tar')) : [];
    if (archives.length > 0) return archives.map((name) => join(folder, name));
  }
  const archives: string[] = [];
  let size = 0;
  for (const tree of OWN_TREES) {
    if (size >= LARGE_TAR_SIZE && archives.length >= LEAST_ARCHIVES) break;
    const archive = archiveOf(tree);
    archives.push(archive);
    size += statSync(archive).size;
  }
  return archives;
}

function archiveOf(tree: string): string {
  const parts = tree.split('/').filter((part) => part !== '');
  const archive = join(CACHE, `${parts.slice(-2).join('-')}.tar`);
  if (!existsSync(archive)) {
    mkdirSync(CACHE, { recursive: true });
    // What cannot be read, or changes meanwhile, makes tar end with 1; the archive is good all the same.
    spawnSync('tar', ['--sort=name', '--numeric-owner', '-cf', `${archive}.part`, '-C', tree, '.'], {
      stdio: 'ignore',
    });
    renameSync(`${archive}.part`, archive);
  }
  return archive;
}

/** One archive of 1 GB of real files: the largest archives there are, one behind the other. */
export function largeArchive(): Promise<string> {
  return cached('large.tar', async (part) => {
    let size = 0;
    for (const archive of realArchives().sort((a, b) => statSync(b).size - statSync(a).size)) {
      const end = endOfEntries(archive);
      await pipeline(createReadStream(archive, { end: end - 1 }), createWriteStream(part, { flags: 'a' }));
      size += statSync(archive).size;
      if (size >= LARGE_TAR_SIZE) break;
    }
    await pipeline([Buffer.alloc(2 * BLOCK)], createWriteStream(part, { flags: 'a' }));
  });
}

/** Where the zero blocks at an archive's end begin. */
function endOfEntries(archive: string): number {
  const file = openSync(archive, 'r');
  try {
    const block = Buffer.alloc(BLOCK);
    let end = fstatSync(file).size;
    for (; end > 0; end -= BLOCK) {
      readSync(file, block, 0, BLOCK, end - BLOCK);
      if (block.some((byte) => byte !== 0)) break;
    }
    return end;
  } finally {
    closeSync(file);
  }
}

/** The gzip of a file, by zlib at its usual level, 6. */
export function gzipOf(file: string): Promise<string> {
  const write = (part: string) => pipeline(createReadStream(file), createGzip(), createWriteStream(part));
  return cached(`${basename(file)}.gz`, write);
}

/** A file of the cache; if it is not there, it is written to the side and renamed, so that what stands there is whole. */
export async function cached(name: string, write: (part: string) => Promise<void>): Promise<string> {
  const target = join(CACHE, name);
  if (existsSync(target)) return target;
  mkdirSync(CACHE, { recursive: true });
  const part = `${target}.${process.pid}`;
  await write(part);
  renameSync(part, target);
  return target;
}
