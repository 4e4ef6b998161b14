import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { decodeZtoc, type Ztoc } from '@soci/ztoc';
import { CliError } from '../errors.ts';
import { errorIn } from '../terminal/describe-error.ts';

/** Above the largest zTOC that the default limits let anybody make. */
export const MAX_ZTOC_SIZE = 2 ** 31;

/** A zTOC as a file holds it. */
export interface ZtocFile {
  readonly ztoc: Ztoc;
  readonly bytes: Uint8Array;
}

/**
 * Reads a zTOC from a file.
 *
 * @throws CliError `SOURCE_INVALID` where the file is too large, `ZTOC_INVALID` with the byte offset where it is no zTOC.
 */
export async function readZtocFile(path: string): Promise<ZtocFile> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_ZTOC_SIZE) throw new CliError('SOURCE_INVALID', `${path} has ${size} bytes: that is no zTOC`);
    const bytes = new Uint8Array(await file.readFile());
    return { bytes, ztoc: decodeZtoc(bytes) };
  } catch (error) {
    throw errorIn(path, error);
  } finally {
    await file.close();
  }
}

/** Few enough calls to reach a disk's speed, small enough to stay in the processor's cache until it has been looked at. */
const CHUNK_SIZE = 1 << 18;

/** Bytes after which signals and timers get their turn: some milliseconds of work. */
const BYTES_BETWEEN_PAUSES = 4 << 20;

/**
 * Reads a file from start to end, always into the same buffer: a chunk is overwritten once the next is asked for.
 *
 * The reads are synchronous, in the thread that looks at the bytes: the system reads ahead all the same, and what another
 * thread has read would have to be moved from its core's cache, a tenth of the processor time of an uncompressed layer.
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
