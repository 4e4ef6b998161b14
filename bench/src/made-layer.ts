import { createWriteStream, existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { bareHeader, TAR_END } from '@soci/test-content';
import { CACHE, cached } from './data.ts';

const BLOCK = 512;
const PIECE = 1 << 20;

/** A layer made on the fly: gzip of files of 64 MiB, most of each zeros, an eighth of it noise. */
export function madeGzipLayer(size: number): Promise<string> {
  return gzipLayer(`made-${size}.tar.gz`, sparseFiles(size));
}

/** A plain tar of one file that is a hole: it takes no room on the disk. */
export function madePlainLayer(size: number): string {
  const target = join(CACHE, `made-${size}.tar`);
  if (!existsSync(target) || statSync(target).size !== size) {
    writeFileSync(target, bareHeader('hole', size - 3 * BLOCK));
    truncateSync(target, size);
  }
  return target;
}

/** A gzip layer of so many entries, each an empty file with a path of usual length. */
export function madeEntriesLayer(count: number): Promise<string> {
  return gzipLayer(`entries-${count}.tar.gz`, emptyFiles(count));
}

function gzipLayer(name: string, tar: Iterable<Uint8Array>): Promise<string> {
  return cached(name, (part) => pipeline(tar, createGzip({ level: 1 }), createWriteStream(part)));
}

function* sparseFiles(size: number): Generator<Uint8Array> {
  const fileSize = 64 << 20;
  const zeros = new Uint8Array(PIECE);
  const noise = new Uint32Array(PIECE / 4);
  let state = 1;
  for (let i = 0; (i + 1) * fileSize <= size; i++) {
    yield bareHeader(`files/${i}`, fileSize);
    for (let at = 0; at < fileSize; at += PIECE) {
      if (at % (8 * PIECE) !== 0) yield zeros;
      else {
        for (let word = 0; word < noise.length; word++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
          noise[word] = state ^ (state >>> 15);
        }
        yield Buffer.from(new Uint8Array(noise.buffer));
      }
    }
  }
  yield TAR_END;
}

function* emptyFiles(count: number): Generator<Uint8Array> {
  const perPiece = 1000;
  for (let at = 0; at < count; at += perPiece) {
    yield Buffer.concat(
      Array.from({ length: Math.min(perPiece, count - at) }, (_, i) =>
        bareHeader(`usr/lib/node_modules/package-${Math.floor((at + i) / 50)}/lib/file-${at + i}.js`, 0),
      ),
    );
  }
  yield TAR_END;
}
