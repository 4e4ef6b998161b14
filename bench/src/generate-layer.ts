import { createWriteStream, existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { bareHeader, TAR_END } from '@soci/test-content';
import { CACHE, cached } from './data.ts';

const BLOCK = 512;
const CHUNK = 1 << 20;

/** Returns a gzip layer with files of 64 MiB, seven eighths zeros and one eighth noise. */
export function gzipLayerOfSize(size: number): Promise<string> {
  return gzipLayer(`generated-${size}.tar.gz`, sparseFiles(size));
}

/** Returns a plain tar with one sparse file, which needs no disk space. */
export function plainLayerOfSize(size: number): string {
  const target = join(CACHE, `generated-${size}.tar`);
  if (!existsSync(target) || statSync(target).size !== size) {
    writeFileSync(target, bareHeader('hole', size - 3 * BLOCK));
    truncateSync(target, size);
  }
  return target;
}

/** Returns a gzip layer with `count` empty files that have paths of typical length. */
export function gzipLayerWithEntries(count: number): Promise<string> {
  return gzipLayer(`entries-${count}.tar.gz`, emptyFiles(count));
}

function gzipLayer(name: string, tar: Iterable<Uint8Array>): Promise<string> {
  return cached(name, (part) => pipeline(tar, createGzip({ level: 1 }), createWriteStream(part)));
}

function* sparseFiles(size: number): Generator<Uint8Array> {
  const fileSize = 64 << 20;
  const zeros = new Uint8Array(CHUNK);
  const noise = new Uint32Array(CHUNK / 4);
  let state = 1;
  for (let i = 0; (i + 1) * fileSize <= size; i++) {
    yield bareHeader(`files/${i}`, fileSize);
    for (let offset = 0; offset < fileSize; offset += CHUNK) {
      if (offset % (8 * CHUNK) !== 0) yield zeros;
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
  const perChunk = 1000;
  for (let first = 0; first < count; first += perChunk) {
    yield Buffer.concat(
      Array.from({ length: Math.min(perChunk, count - first) }, (_, i) =>
        bareHeader(`usr/lib/node_modules/package-${Math.floor((first + i) / 50)}/lib/file-${first + i}.js`, 0),
      ),
    );
  }
  yield TAR_END;
}
