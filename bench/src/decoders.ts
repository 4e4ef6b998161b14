/** `decoders.ts NAME FILE`: decompresses a gzip file to nowhere, chunk by chunk, by one decoder; prints the number of bytes. */
import { createReadStream, openSync, readSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { GzipDecoder } from '../../packages/ztoc/src/gzip/gzip-decoder.ts';

const CHUNK = 1 << 18;

/** Each loads only what it needs. */
const DECODERS: Readonly<Record<string, (file: string, output: (bytes: Uint8Array) => void) => Promise<void>>> = {
  // Checksums are checked, and nothing is built from the layer.
  async ours(file, output) {
    // The decoder is internal to the package; what is measured is the compiled file that is published.
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
  // Checks no checksums, and keeps the chunks that it is given.
  async fflate(file, output) {
    const { Gunzip } = await import('fflate');
    const gunzip = new Gunzip(output);
    readChunks(file, (bytes) => gunzip.push(bytes), true);
  },
};

/** Reads a file: always into the same buffer, or each chunk into one of its own, which may be kept. */
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
