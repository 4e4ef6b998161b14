import { gzipSync } from 'node:zlib';
import { runProgram } from '../../src/layer/programs.ts';
import type { Reference } from '../../src/reference.ts';

/** Ways to encode a layer. */
export const ENCODINGS = ['go', 'pigz', 'igzip', 'gzip -9', 'zlib', 'members', 'none'] as const;

/** One of {@link ENCODINGS}. `members` are several gzip members, `zlib` is Node's. */
export type Encoding = (typeof ENCODINGS)[number];

/** Level of Go's `gzip.NewWriter`, which containerd, BuildKit and crane use. */
const GO_DEFAULT = -1;

/** Number of bytes after which the Go program flushes a block: not before the end. */
const NEVER = 0;

/** Number of gzip members. */
const MEMBERS = 3;

/** Encodes an archive. @throws If the program is not installed. */
export async function encode(encoding: Encoding, archive: Uint8Array, reference: Reference): Promise<Uint8Array> {
  switch (encoding) {
    case 'go':
      return reference.compress(archive, GO_DEFAULT, NEVER);
    case 'pigz':
      return runProgram('pigz', ['-c', '-n', '-p', '2'], archive);
    case 'igzip':
      return runProgram('igzip', ['-c', '-n'], archive);
    case 'gzip -9':
      return runProgram('gzip', ['-c', '-n', '-9'], archive);
    case 'zlib':
      return gzipSync(archive);
    case 'members': {
      const step = Math.ceil(archive.length / MEMBERS);
      const parts = Array.from({ length: MEMBERS }, (_, i) => archive.subarray(i * step, (i + 1) * step));
      return Buffer.concat(parts.map((part) => gzipSync(part)));
    }
    case 'none':
      return archive;
  }
}
