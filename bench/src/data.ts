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
import { createGzip, gzipSync } from 'node:zlib';

/** Folder with prepared data, kept between runs. */
export const CACHE = fileURLToPath(new URL('../../.cache/bench', import.meta.url));

/** Minimum size of the large tar of real files, in bytes. It compresses to about 300 MB. */
const MIN_LARGE_TAR_SIZE = 1_000_000_000;
/** Minimum number of archives: one for each layer of an image. */
const MIN_ARCHIVES = 6;
const BLOCK = 512;

/** Folders that most machines have. The last ones, often the largest, are used only if the others are too small. */
const DEFAULT_FOLDERS = [
  fileURLToPath(new URL('../../node_modules', import.meta.url)),
  '/usr/share',
  '/usr/bin',
  '/usr/include',
  '/usr/local',
  '/etc',
  '/usr/lib',
].filter(existsSync);

/**
 * Returns archives of real files: those in the folder `SOCI_BENCH_DATA` or its `.work`, otherwise archives of this machine's
 * installed files.
 */
export function realArchives(): string[] {
  const given = process.env.SOCI_BENCH_DATA;
  for (const folder of given === undefined ? [] : [given, join(given, '.work')]) {
    const archives = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tar')) : [];
    if (archives.length > 0) return archives.map((name) => join(folder, name));
  }
  const archives: string[] = [];
  let size = 0;
  for (const tree of DEFAULT_FOLDERS) {
    if (size >= MIN_LARGE_TAR_SIZE && archives.length >= MIN_ARCHIVES) break;
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
    // tar exits with 1 if a file is unreadable or changes. The archive is still valid.
    spawnSync('tar', ['--sort=name', '--numeric-owner', '-cf', `${archive}.part`, '-C', tree, '.'], {
      stdio: 'ignore',
    });
    renameSync(`${archive}.part`, archive);
  }
  return archive;
}

/** Returns one archive with about 1 GB of real files: the largest archives, and the smallest one that suffices, concatenated. */
export function largeArchive(): Promise<string> {
  return cached('large.tar', async (part) => {
    const archives = realArchives().sort((a, b) => statSync(b).size - statSync(a).size);
    for (let size = 0; size < MIN_LARGE_TAR_SIZE && archives.length > 0; ) {
      const last = archives.findLastIndex((archive) => size + statSync(archive).size >= MIN_LARGE_TAR_SIZE);
      const [archive = ''] = archives.splice(Math.max(last, 0), 1);
      const end = endOfEntries(archive);
      await pipeline(createReadStream(archive, { end: end - 1 }), createWriteStream(part, { flags: 'a' }));
      size += statSync(archive).size;
    }
    await pipeline([Buffer.alloc(2 * BLOCK)], createWriteStream(part, { flags: 'a' }));
  });
}

/** Returns the offset of the zero blocks at the end of an archive. */
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

/** Returns a gzip of a file, compressed with zlib at its default level, 6. */
export function gzipOf(file: string): Promise<string> {
  const write = (part: string) => pipeline(createReadStream(file), createGzip(), createWriteStream(part));
  return cached(`${basename(file)}.gz`, write);
}

/** Size of the content of a member in {@link membersOf}, in bytes: that of a stream. */
export const MEMBER_SIZE = 1 << 16;

/** Returns a gzip of a file with many members, each compressed with zlib at its default level. */
export function membersOf(file: string): Promise<string> {
  async function* members(): AsyncGenerator<Buffer> {
    for await (const part of createReadStream(file, { highWaterMark: MEMBER_SIZE })) yield gzipSync(part);
  }
  return cached(`${basename(file)}.members.gz`, (part) => pipeline(members, createWriteStream(part)));
}

/** Returns the path of a cached file. If it does not exist, writes it under another name first, so that it is never incomplete. */
export async function cached(name: string, write: (part: string) => Promise<void>): Promise<string> {
  const target = join(CACHE, name);
  if (existsSync(target)) return target;
  mkdirSync(CACHE, { recursive: true });
  const part = `${target}.${process.pid}`;
  await write(part);
  renameSync(part, target);
  return target;
}
