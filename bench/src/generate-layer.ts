import { createWriteStream, existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { bareHeader, noise, TAR_END } from '@soci/test-content';
import { CACHE, cached } from './data.ts';

const BLOCK = 512;
const CHUNK = 1 << 20;
/** Size of the files of large layers: 64 MiB. */
const FILE_SIZE = 64 * CHUNK;

/** Returns a gzip layer with files of 64 MiB, seven eighths zeros and one eighth noise. */
export function gzipLayerOfSize(size: number): Promise<string> {
  return gzipLayer(`generated-${size}.tar.gz`, sparseFiles(size));
}

/** Returns a gzip layer with files of noise, which does not compress. Different seeds give different layers. */
export function noiseLayerOfSize(size: number, seed: number): Promise<string> {
  return gzipLayer(`noise-${size}-${seed}.tar.gz`, noiseFiles(size, seed), 0);
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

function gzipLayer(name: string, tar: Iterable<Uint8Array>, level = 1): Promise<string> {
  return cached(name, (part) => pipeline(tar, createGzip({ level }), createWriteStream(part)));
}

function* noiseFiles(size: number, seed: number): Generator<Uint8Array> {
  for (let number = 0; (number + 1) * FILE_SIZE <= size; number++) {
    yield bareHeader(`noise/${seed}/${number}`, FILE_SIZE);
    for (let offset = 0; offset < FILE_SIZE; offset += CHUNK)
      yield noise(CHUNK, seed * 2 ** 20 + number * 64 + offset / CHUNK);
  }
  yield TAR_END;
}

function* sparseFiles(size: number): Generator<Uint8Array> {
  const zeros = new Uint8Array(CHUNK);
  const words = new Uint32Array(CHUNK / 4);
  let state = 1;
  for (let i = 0; (i + 1) * FILE_SIZE <= size; i++) {
    yield bareHeader(`files/${i}`, FILE_SIZE);
    for (let offset = 0; offset < FILE_SIZE; offset += CHUNK) {
      if (offset % (8 * CHUNK) !== 0) yield zeros;
      else {
        for (let word = 0; word < words.length; word++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
          words[word] = state ^ (state >>> 15);
        }
        yield Buffer.from(new Uint8Array(words.buffer));
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
