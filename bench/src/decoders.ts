/** `decoders.ts NAME FILE`: decompresses a gzip file with one decoder, discards the output and prints its size in bytes. */
import { createReadStream, openSync, readSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { GzipDecoder } from '../../packages/ztoc/src/gzip/gzip-decoder.ts';

const CHUNK = 1 << 18;

/** Each decoder is imported on demand, so that a run loads only one. */
const DECODERS: Readonly<Record<string, (file: string, output: (bytes: Uint8Array) => void) => Promise<void>>> = {
  // Verifies checksums.
  async '@soci/ztoc'(file, output) {
    // The decoder is not exported, so this imports the compiled file that is published.
    const compiled = new URL('../../packages/ztoc/dist/gzip/gzip-decoder.js', import.meta.url);
    const module = (await import(compiled.href)) as { GzipDecoder: typeof GzipDecoder };
    const decoder = new module.GzipDecoder({ output });
    readChunks(file, (bytes) => decoder.push(bytes));
    decoder.finish();
  },
  async 'node:zlib'(file, output) {
    const gunzip = createReadStream(file, { highWaterMark: CHUNK }).pipe(createGunzip({ chunkSize: CHUNK }));
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) output(chunk);
  },
  async pako(file, output) {
    const { Inflate } = await import('pako');
    const inflate = new Inflate({ chunkSize: CHUNK });
    inflate.onData = output;
    readChunks(file, (bytes) => inflate.push(bytes, false));
    if (inflate.err !== 0) throw new Error(inflate.msg);
  },
  // Verifies no checksums, and keeps references to its input chunks.
  async fflate(file, output) {
    const { Gunzip } = await import('fflate');
    const gunzip = new Gunzip(output);
    readChunks(file, (bytes) => gunzip.push(bytes), true);
  },
};

/** Reads a file in chunks, which share one buffer unless `isKept`. */
function readChunks(path: string, use: (bytes: Uint8Array) => void, isKept = false): void {
  const file = openSync(path, 'r');
  let chunk = new Uint8Array(CHUNK);
  for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
    use(chunk.subarray(0, read));
    if (isKept) chunk = new Uint8Array(CHUNK);
  }
}

const [name = '', file = ''] = process.argv.slice(2);
let size = 0;
await DECODERS[name]?.(file, (bytes) => {
  size += bytes.length;
});
console.log(size);
