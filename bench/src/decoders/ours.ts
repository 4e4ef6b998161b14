/** Decompresses a gzip file to nowhere by the decoder of @soci/ztoc, checksums checked, without anything built from it. */
import { openSync, readSync } from 'node:fs';
import type { GzipDecoder } from '../../../packages/ztoc/src/gzip/gzip-decoder.ts';

// The decoder is internal to the package; what is measured is the compiled file that is published.
const compiled = new URL('../../../packages/ztoc/dist/gzip/gzip-decoder.js', import.meta.url);
const module = (await import(compiled.href)) as { GzipDecoder: typeof GzipDecoder };

let size = 0;
const decoder = new module.GzipDecoder({
  output: (bytes) => {
    size += bytes.length;
  },
});
const file = openSync(process.argv[2] ?? '', 'r');
const chunk = new Uint8Array(1 << 18);
for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) decoder.push(chunk.subarray(0, read));
decoder.finish();
console.log(size);
