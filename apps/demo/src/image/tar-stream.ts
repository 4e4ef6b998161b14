import { createReadStream } from 'node:fs';
import type { TreeEntry } from './tree.ts';

const BLOCK = 512;
const READ_SIZE = 1 << 20;
const TYPE_FLAGS = { file: '0', link: '2', folder: '5', pax: 'x' } as const;
const encoder = new TextEncoder();

/**
 * A tar archive of the entries, as builders of images write it: ustar headers, PAX records for what does not fit there
 * (POSIX.1-2017, pax, "Interchange Format"); everything belongs to root.
 */
export async function* tarStream(entries: readonly TreeEntry[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    signal.throwIfAborted();
    yield* headerOf(entry);
    if (entry.kind === 'file') yield* bodyOf(entry, signal);
  }
  yield new Uint8Array(2 * BLOCK);
}

function* headerOf(entry: TreeEntry): Generator<Uint8Array> {
  const name = entry.kind === 'folder' ? `${entry.name}/` : entry.name;
  const records = [
    ...(encoder.encode(name).length > 100 ? [paxRecord('path', name)] : []),
    ...(encoder.encode(entry.target).length > 100 ? [paxRecord('linkpath', entry.target)] : []),
  ];
  if (records.length > 0) {
    const body = encoder.encode(records.join(''));
    yield headerBlock(
      { ...entry, name: 'PaxHeader', target: '', size: body.length, mode: 0o644 },
      'PaxHeader',
      TYPE_FLAGS.pax,
    );
    yield body;
    yield padding(body.length);
  }
  yield headerBlock(entry, name, TYPE_FLAGS[entry.kind]);
}

function headerBlock(entry: TreeEntry, name: string, typeFlag: string): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number, length: number) => block.set(encoder.encode(text).subarray(0, length), at);
  const putNumber = (value: number, at: number, digits: number) =>
    put(value.toString(8).padStart(digits, '0'), at, digits);
  put(name, 0, 100);
  putNumber(entry.mode, 100, 7);
  putNumber(0, 108, 7);
  putNumber(0, 116, 7);
  putNumber(entry.size, 124, 11);
  putNumber(Math.max(0, entry.modified), 136, 11);
  put(' '.repeat(8), 148, 8);
  put(typeFlag, 156, 1);
  put(entry.target, 157, 100);
  put('ustar\u000000', 257, 8);
  put('root', 265, 32);
  put('root', 297, 32);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 8);
  return block;
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length++;
  return `${length} ${key}=${value}\n`;
}

/** Exactly `size` bytes, as the header says: a file that grows is cut, one that shrinks is filled with zeros. */
async function* bodyOf({ source, size }: TreeEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let left = size;
  if (size > 0) {
    for await (const chunk of createReadStream(source, { highWaterMark: READ_SIZE, end: size - 1, signal })) {
      left -= chunk.length;
      yield chunk;
    }
  }
  for (; left > 0; left -= Math.min(left, READ_SIZE)) yield new Uint8Array(Math.min(left, READ_SIZE));
  yield padding(size);
}

function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}
