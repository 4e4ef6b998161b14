import { ZtocError } from '../errors.ts';
import type { Compression } from '../ztoc.ts';

/** How many of a layer's first bytes {@link detectCompression} looks at. */
export const MAGIC_SIZE = 6;

/** Formats that a layer may be in and a zTOC cannot describe, by their first bytes. */
const OTHER_FORMATS: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
];

/**
 * Tells a layer's compression from its first bytes. What is nothing that is known here is taken for a tar archive, which
 * the tar scanner will confirm or refuse.
 *
 * @param head The first {@link MAGIC_SIZE} bytes, or all there are.
 * @throws {ZtocError} `COMPRESSION_UNKNOWN` naming the format, where it is one that zTOCs do not cover.
 */
export function detectCompression(head: Uint8Array): Compression {
  const begins = (magic: readonly number[]) => magic.every((byte, i) => head[i] === byte);
  if (begins([0x1f, 0x8b])) return 'gzip';
  const isZlib = (head[0] & 0x8f) === 0x08 && ((head[0] << 8) | head[1]) % 31 === 0;
  const format = OTHER_FORMATS.find(([, magic]) => begins(magic))?.[0] ?? (isZlib ? 'zlib' : undefined);
  if (format === undefined) return 'uncompressed';
  throw new ZtocError(
    'COMPRESSION_UNKNOWN',
    `the layer begins like ${format} data at byte 0, and a zTOC can only describe gzip and uncompressed layers: recompress it with gzip`,
    { offset: 0 },
  );
}
