/** Decompresses a gzip file to nowhere by node:zlib, chunk by chunk. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

let size = 0;
const gunzip = createReadStream(process.argv[2] ?? '', { highWaterMark: 1 << 18 }).pipe(
  createGunzip({ chunkSize: 1 << 18 }),
);
for await (const chunk of gunzip as AsyncIterable<Uint8Array>) size += chunk.length;
console.log(size);
