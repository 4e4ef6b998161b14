/** Decompresses a gzip file to nowhere by pako, chunk by chunk. */
import { openSync, readSync } from 'node:fs';
import { Inflate } from 'pako';

let size = 0;
const inflate = new Inflate({ chunkSize: 1 << 18 });
inflate.onData = (bytes) => {
  size += bytes.length;
};
const file = openSync(process.argv[2] ?? '', 'r');
const chunk = new Uint8Array(1 << 18);
for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk))
  inflate.push(chunk.subarray(0, read), false);
if (inflate.err !== 0) throw new Error(inflate.msg);
console.log(size);
