import type { RecompressibleFormat } from '../options.ts';

/** A layer that is not built because its content does not match its media type. */
export interface MismatchedLayer {
  /** Actual format of the content: `gzip`, `zstd`, `tar`, or another name. */
  readonly mismatch: string;
}

/** Size of a tar header, in bytes. */
const TAR_BLOCK = 512;
/** Offset and length of the checksum in a tar header. @see POSIX.1-2017, pax, "ustar Interchange Format" */
const CHECKSUM = { start: 148, length: 8 };

/** First bytes of compressed formats. */
const MAGIC_NUMBERS: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
];

/**
 * Reads the start of a layer.
 *
 * @param expected - Format according to the media type.
 * @param accepted - Other formats that are accepted.
 * @returns The layer with all of its chunks and its format, or the format of its content if it is not accepted. Unknown
 *   content has the expected format: building the zTOC accepts or rejects it.
 */
export async function checkFormat<Format extends 'gzip' | RecompressibleFormat>(
  chunks: AsyncIterable<Uint8Array>,
  expected: Format,
  accepted: readonly Format[],
): Promise<MismatchedLayer | { readonly chunks: AsyncIterable<Uint8Array>; readonly format: Format }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < TAR_BLOCK) {
    const next = await iterator.next();
    if (next.done) break;
    // The store may overwrite a chunk when the next one is requested.
    head = head.length === 0 && next.value.length >= TAR_BLOCK ? next.value : Buffer.concat([head, next.value]);
  }
  const detected = detectFormat(head) ?? expected;
  const format = [expected, ...accepted].find((each) => each === detected);
  if (format === undefined) {
    await iterator.return?.();
    return { mismatch: detected };
  }
  async function* whole(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (head.length > 0) yield head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { chunks: whole(), format };
}

function detectFormat(head: Uint8Array): string | undefined {
  // A tar begins with a file name, which can look like a magic number. Its checksum is certain.
  if (isTarHeader(head)) return 'tar';
  return MAGIC_NUMBERS.find(([, magic]) => magic.every((byte, i) => head[i] === byte))?.[0];
}

function isTarHeader(head: Uint8Array): boolean {
  if (head.length < TAR_BLOCK) return false;
  const { start, length } = CHECKSUM;
  const field = Buffer.from(head.subarray(start, start + length)).toString('latin1');
  const sum = head
    .subarray(0, TAR_BLOCK)
    .reduce((sum, byte, i) => sum + (i >= start && i < start + length ? 0x20 : byte), 0);
  return /^[ 0]*[0-7]+[ \0]*$/.test(field) && Number.parseInt(field.trim(), 8) === sum;
}
