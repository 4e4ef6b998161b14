import { open } from 'node:fs/promises';

/** Few enough calls to reach a disk's speed, small enough for two at a time to cost nothing. */
const CHUNK_SIZE = 1 << 18;

/**
 * Reads a file from start to end, the next chunk being read while one is looked at. Two buffers take turns, so a chunk
 * is overwritten once the next is asked for: a stream's chunks, each in a buffer of its own, are tens of megabytes of
 * garbage before the collector looks at them.
 */
export async function* readFileChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open(path);
  const buffers = [new Uint8Array(CHUNK_SIZE), new Uint8Array(CHUNK_SIZE)] as const;
  const readInto = (buffer: Uint8Array) => {
    const read = file.read(buffer, 0, buffer.length);
    // A failure is told when its turn comes; nobody may be listening before.
    read.catch(() => {});
    return read;
  };
  let [current, other] = buffers;
  let reading = readInto(current);
  try {
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      reading = readInto(other);
      yield current.subarray(0, bytesRead);
      [current, other] = [other, current];
    }
  } finally {
    // A receiver that stops early leaves a read under way: nobody may close the file before it ends.
    await reading.catch(() => {});
    await file.close();
  }
}
