/** Decompresses a gzip file to nowhere by fflate, chunk by chunk. fflate checks no checksums. */
import { openSync, readSync } from 'node:fs';
import { Gunzip } from 'fflate';

let size = 0;
const gunzip = new Gunzip((bytes) => {
  size += bytes.length;
});
const file = openSync(process.argv[2] ?? '', 'r');
for (;;) {
  const chunk = new Uint8Array(1 << 18);
  const read = readSync(file, chunk);
  if (read === 0) break;
  gunzip.push(chunk.subarray(0, read));
}
console.log(size);
