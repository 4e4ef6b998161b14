import { randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { CallOptions } from '../content.ts';
import { hasSystemCode, messageOf, OciError } from '../errors.ts';
import type { FileSection } from '../layout/file-section.ts';
import { decompressZstd } from './decompress-zstd.ts';

/** A tar archive: the path of a file, or its content as a stream, such as standard input. */
export type ArchiveInput = string | AsyncIterable<Uint8Array>;

/** Options for opening a tar archive. */
export interface OpenArchiveOptions extends CallOptions {
  /** Name of the archive, for error messages. @default the path, or `the stream` */
  readonly name?: string;
  /**
   * Folder for the temporary file of a compressed archive, a pipe or a stream, which cannot be read in place. The file is
   * as large as the archive without compression.
   *
   * @default the folder of the system, which `TMPDIR` changes
   */
  readonly temporaryFolder?: string;
  /** Maximum size of that temporary file in bytes. @default 64 GiB */
  readonly maxTemporarySize?: number;
}

/** Default of {@link OpenArchiveOptions.maxTemporarySize}: far above the size of an image, below that of a small bomb. */
const DEFAULT_MAX_TEMPORARY_SIZE = 64 * 2 ** 30;

/** Enough bytes to recognize a compression. */
const HEAD_SIZE = 6;

/** A compression, its first bytes, and its decoder if Node.js has one. */
interface Compression {
  readonly name: string;
  readonly magic: readonly number[];
  readonly decode?: () => Transform | typeof decompressZstd;
}

const COMPRESSIONS: readonly Compression[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], decode: () => createGunzip() },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], decode: () => decompressZstd },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
];

/** Returns the name of the compression that the first bytes of a file show, or undefined if it has none. */
export function compressionOf(head: Uint8Array): string | undefined {
  return COMPRESSIONS.find(({ magic }) => magic.every((byte, position) => head[position] === byte))?.name;
}

/**
 * Opens an archive for reads at any position. A regular file that is not compressed is read in place. Anything else is
 * first copied to a temporary file, without compression. The temporary file has no name while it is used, so the system
 * removes it in any case, even if the process is killed.
 *
 * @throws OciError `NOT_FOUND`, `ARCHIVE_INVALID`, `READ_FAILED`; `LIMIT_EXCEEDED`, `WRITE_FAILED` for the temporary file.
 */
export async function openArchiveFile(
  input: ArchiveInput,
  name: string,
  options: OpenArchiveOptions,
): Promise<FileSection> {
  options.signal?.throwIfAborted();
  if (typeof input !== 'string') return copyToTemporaryFile(input, name, options);
  const stats = await stat(input).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT')) throw new OciError('NOT_FOUND', `file ${name} does not exist`, { cause });
    throw readError(name, cause);
  });
  if (stats.isFIFO() || stats.isCharacterDevice()) return copyToTemporaryFile(createReadStream(input), name, options);
  if (!stats.isFile()) throw new OciError('ARCHIVE_INVALID', `${name} is not a file`);
  // The file may have been replaced by a pipe: do not wait for its writer.
  const file = await open(input, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw readError(name, cause);
  });
  try {
    const { size } = await file.stat();
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_SIZE), 0, HEAD_SIZE, 0);
    if (compressionOf(buffer.subarray(0, bytesRead)) === undefined) {
      return { file, start: 0, size, close: () => file.close() };
    }
    const section = await copyToTemporaryFile(file.createReadStream({ start: 0, autoClose: false }), name, options);
    await file.close();
    return section;
  } catch (error) {
    await file.close();
    throw error instanceof OciError || options.signal?.aborted ? error : readError(name, error);
  }
}

/** Decompresses a stream to a temporary file. */
async function copyToTemporaryFile(
  input: AsyncIterable<Uint8Array>,
  name: string,
  options: OpenArchiveOptions,
): Promise<FileSection> {
  const { temporaryFolder = tmpdir(), maxTemporarySize = DEFAULT_MAX_TEMPORARY_SIZE, signal } = options;
  const { compression, content } = await detectCompression(input, name);
  const decoder = compression?.decode?.();
  if (compression !== undefined && decoder === undefined) {
    await content.return();
    const message = `${name} is compressed with ${compression.name}. Decompress it first: ${compression.name} -dk FILE`;
    throw new OciError('ARCHIVE_INVALID', message);
  }
  const path = join(temporaryFolder, `soci-archive-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600).catch((cause: unknown) => {
    throw writeError(temporaryFolder, cause);
  });
  const close = async () => {
    await file.close();
    // Only needed on a system that cannot remove an open file.
    await rm(path, { force: true });
  };
  let size = 0;
  const save = async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) {
      if (chunk.length > maxTemporarySize - size) {
        const message = `${name} has more than ${maxTemporarySize} bytes without compression, the limit for a temporary file`;
        throw new OciError('LIMIT_EXCEEDED', message);
      }
      await writeChunk(file, chunk, size).catch((cause: unknown) => {
        throw writeError(temporaryFolder, cause);
      });
      size += chunk.length;
    }
  };
  try {
    await rm(path).catch(() => {});
    const source = Readable.from(content, { objectMode: false });
    const call = signal === undefined ? {} : { signal };
    await (decoder === undefined ? pipeline(source, save, call) : pipeline(source, decoder, save, call));
    return { file, start: 0, size, close };
  } catch (error) {
    await close();
    if (signal?.aborted) throw signal.reason;
    if (error instanceof OciError) throw error;
    if (compression === undefined) throw readError(name, error);
    const message = `${name} cannot be decompressed with ${compression.name}: ${messageOf(error)}`;
    throw new OciError('ARCHIVE_INVALID', message, { cause: error });
  }
}

/** Reads the first chunks of a stream, until they show its compression. `content` has all chunks. */
async function detectCompression(input: AsyncIterable<Uint8Array>, name: string) {
  const chunks = input[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < HEAD_SIZE) {
    const next = await chunks.next().catch((cause: unknown) => {
      throw readError(name, cause);
    });
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  const found = compressionOf(head);
  return { compression: COMPRESSIONS.find((compression) => compression.name === found), content: content() };
}

async function writeChunk(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    written += (await file.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
  }
}

function readError(name: string, cause: unknown): OciError {
  return new OciError('READ_FAILED', `cannot open ${name}: ${messageOf(cause)}`, { cause });
}

function writeError(folder: string, cause: unknown): OciError {
  const remedy = 'Set TMPDIR to a folder with enough space.';
  const message = `cannot write a temporary file in ${folder}: ${messageOf(cause)}. ${remedy}`;
  return new OciError('WRITE_FAILED', message, { cause });
}
