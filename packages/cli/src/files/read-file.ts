import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { decodeZtoc, type Ztoc } from '@soci/ztoc';
import { CliError } from '../errors.ts';
import { wrapFileError } from '../terminal/describe-error.ts';
import { isPipe, readUpTo } from './read-stream.ts';

/** Maximum size of a zTOC file, in bytes. The default limits allow only smaller zTOCs. */
export const MAX_ZTOC_SIZE = 2 ** 31;

/** A zTOC file: the decoded zTOC and its bytes. */
export interface ZtocFile {
  readonly ztoc: Ztoc;
  readonly bytes: Uint8Array;
}

/**
 * Reads a zTOC from a file.
 *
 * @throws CliError `SOURCE_INVALID` if the file is too large, `ZTOC_INVALID` with the byte offset if it is not a zTOC.
 */
export async function readZtocFile(path: string, signal: AbortSignal): Promise<ZtocFile> {
  if (await isPipe(path)) {
    const bytes = await readUpTo(path, MAX_ZTOC_SIZE, signal);
    if (bytes === undefined) throw tooLarge(path, `more than ${MAX_ZTOC_SIZE}`);
    return { bytes, ztoc: decodeZtoc(bytes) };
  }
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_ZTOC_SIZE) throw tooLarge(path, size);
    const bytes = new Uint8Array(await file.readFile());
    return { bytes, ztoc: decodeZtoc(bytes) };
  } catch (error) {
    throw wrapFileError(path, error);
  } finally {
    await file.close();
  }
}

function tooLarge(path: string, size: number | string): CliError {
  return new CliError('SOURCE_INVALID', `${path} has ${size} bytes; the limit for a zTOC is ${MAX_ZTOC_SIZE} bytes`);
}

/** Bytes per read: large enough for the speed of a disk, small enough for the processor's cache. */
const CHUNK_SIZE = 1 << 18;

/** Bytes between pauses that let signals and timers run: a few milliseconds of work. */
const BYTES_BETWEEN_PAUSES = 4 << 20;

/**
 * Reads a file from start to end. All chunks use the same buffer, so a chunk is valid only until the next one is requested.
 *
 * The reads are synchronous. The system reads ahead anyway, and a read in another thread would move the bytes between
 * processor caches, which costs 10 % of the processor time for an uncompressed layer.
 */
export async function* readFileChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = openSync(path, 'r');
  const buffer = new Uint8Array(CHUNK_SIZE);
  let sincePause = 0;
  try {
    while (true) {
      const length = readSync(file, buffer);
      if (length === 0) return;
      yield buffer.subarray(0, length);
      sincePause += length;
      if (sincePause < BYTES_BETWEEN_PAUSES) continue;
      sincePause = 0;
      await setImmediate();
    }
  } finally {
    closeSync(file);
  }
}
