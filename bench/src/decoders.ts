/** `decoders.ts NAME FILE`: decompresses a gzip file to nowhere, chunk by chunk, by one decoder; prints the number of bytes. */
import { createReadStream, openSync, readSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { GzipDecoder } from '../../packages/ztoc/src/gzip/gzip-decoder.ts';

const CHUNK = 1 << 18;

/** Each loads only what it needs. */
const DECODERS: Readonly<Record<string, (file: string) => Promise<number>>> = {
  // Checksums are checked, and nothing is built from the layer.
  async ours(file) {
    // The decoder is internal to the package; what is measured is the compiled file that is published.
    const compiled = new URL('../../packages/ztoc/dist/gzip/gzip-decoder.js', import.meta.url);
    const module = (await import(compiled.href)) as { GzipDecoder: typeof GzipDecoder };
    let size = 0;
    const decoder = new module.GzipDecoder({
      output: (bytes) => {
        size += bytes.length;
      },
    });
    const chunk = new Uint8Array(CHUNK);
    readInto(
      file,
      () => chunk,
      (bytes) => decoder.push(bytes),
    );
    decoder.finish();
    return size;
  },
  async 'node:zlib'(file) {
    let size = 0;
    const gunzip = createReadStream(file, { highWaterMark: CHUNK }).pipe(createGunzip({ chunkSize: CHUNK }));
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) size += chunk.length;
    return size;
  },
  async pako(file) {
    const { Inflate } = await import('pako');
    let size = 0;
    const inflate = new Inflate({ chunkSize: CHUNK });
    inflate.onData = (bytes) => {
      size += bytes.length;
    };
    const chunk = new Uint8Array(CHUNK);
    readInto(
      file,
      () => chunk,
      (bytes) => inflate.push(bytes, false),
    );
    if (inflate.err !== 0) throw new Error(inflate.msg);
    return size;
  },
  // Checks no checksums, and keeps the chunks that it is given.
  async fflate(file) {
    const { Gunzip } = await import('fflate');
    let size = 0;
    const gunzip = new Gunzip((bytes) => {
      size += bytes.length;
    });
    readInto(
      file,
      () => new Uint8Array(CHUNK),
      (bytes) => gunzip.push(bytes),
    );
    return size;
  },
};

/** Reads a file into the buffers that `next` gives. */
function readInto(path: string, next: () => Uint8Array, use: (bytes: Uint8Array) => void): void {
  const file = openSync(path, 'r');
  for (;;) {
    const chunk = next();
    const read = readSync(file, chunk);
    if (read === 0) return;
    use(chunk.subarray(0, read));
  }
}

const [name = '', file = ''] = process.argv.slice(2);
console.log(await DECODERS[name]?.(file));
