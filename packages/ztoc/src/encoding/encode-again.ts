import { equalBytes } from '../byte-strings.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import type { FlatbufferWriter } from '../flatbuffers/flatbuffer-writer.ts';
import { DEFAULT_LIMITS, type ZtocLimits } from '../limits.ts';
import type { FileEntry, Ztoc } from '../ztoc.ts';
import { checkCount, decodeAllButFiles, FileDecoder } from './decode-ztoc.ts';
import { type EntrySource, encodeParts } from './encode-ztoc.ts';
import { encodedFileSize, SPAN_DIGEST_SIZE } from './encoded-size.ts';
import { TOC, ZTOC } from './schema.ts';
import { writeFiles } from './write-file.ts';

/**
 * Decodes a zTOC without its files, if it has the encoding of the reference: if {@link encodeZtoc} returns the same bytes
 * for its content. Decodes one file at a time, so this needs as much memory as the zTOC.
 * @returns The zTOC with an empty list of files, or undefined if it has another encoding.
 * @throws {ZtocError} as in {@link decodeZtoc}
 */
export function decodeReferenceZtoc(
  bytes: Uint8Array,
  limits: Pick<ZtocLimits, 'maxEntries' | 'maxSpans'> = {},
): Ztoc | undefined {
  const encoded = new EncodedZtocReader(bytes, limits);
  const { checkpoints, files: _, ...head } = encoded.ztoc;
  const source = { size: checkpoints.length, moveTo: (target: Uint8Array) => target.set(checkpoints) };
  const again = encodeParts(head, encoded, source).bytes;
  return !encoded.isLonger && equalBytes(again, bytes, 0, bytes.length) ? encoded.ztoc : undefined;
}

/** Reads an encoded zTOC, one file at a time. */
class EncodedZtocReader implements EntrySource {
  /** The zTOC without its files. */
  readonly ztoc: Ztoc;
  readonly count: number;
  readonly encodedSize: number;
  /** Whether the entries need more than twice the size of the zTOC, because parts share bytes. The others are omitted. */
  isLonger = false;
  readonly #start: number;
  readonly #files: FileDecoder;
  readonly #maxSize: number;

  constructor(bytes: Uint8Array, limits: Pick<ZtocLimits, 'maxEntries' | 'maxSpans'>) {
    const reader = new FlatbufferReader(bytes, 'zTOC');
    const { root, ztoc } = decodeAllButFiles(reader, limits);
    const { start, length } = root.table(ZTOC.toc, 'table of contents').offsets(TOC.metadata);
    checkCount(length, limits.maxEntries ?? DEFAULT_LIMITS.maxEntries, 'entries', 'maxEntries');
    this.ztoc = ztoc;
    this.count = length;
    const spansSize = ztoc.checkpoints.length + ztoc.spanDigests.length * SPAN_DIGEST_SIZE;
    this.encodedSize = Math.max(0, bytes.length - spansSize);
    this.#start = start;
    this.#files = new FileDecoder(reader, ztoc.uncompressedArchiveSize);
    this.#maxSize = 2 * bytes.length;
  }

  writeTo(writer: FlatbufferWriter): Uint32Array {
    return writeFiles(writer, this.count, this.#filesReversed());
  }

  *#filesReversed(): Generator<FileEntry, void, void> {
    let left = this.#maxSize;
    for (let i = this.count - 1; i >= 0; i--) {
      const file = this.#files.decode(this.#start + 4 * i);
      left -= encodedFileSize(file);
      this.isLonger = left < 0;
      if (this.isLonger) return;
      yield file;
    }
  }
}
