import { concat, paxHeader, TAR_END, tarEntry, tarHeader } from './tar.ts';

/**
 * Layers whose metadata needs far more memory than the compressed layer has bytes: tar streams by name. Each repeats one
 * entry, so that reading them needs no memory.
 */
export const METADATA_BOMBS: Readonly<Record<string, () => Iterable<Uint8Array>>> = {
  'GNU long names': () => repeat(16_300, gnuLongText('L', 1 << 16), EMPTY),
  'GNU long link names': () => repeat(16_300, gnuLongText('K', 1 << 16), EMPTY),
  'long names without entries': () => repeat(16_300, gnuLongText('L', 1 << 16)),
  'PAX paths': () => repeat(16_300, paxHeader([['path', text(1 << 16)]]), EMPTY),
  'PAX user names': () => repeat(16_300, paxHeader([['uname', text(1 << 16)]]), EMPTY),
  'extended attributes': () => repeat(1100, paxHeader([['SCHILY.xattr.user.a', text(1e6)]]), EMPTY),
  'sparse maps': () => repeat(1100, sparseRecords(100_000), EMPTY),
  'tiny PAX records': () => repeat(200, tinyRecords(60_000), EMPTY),
};

/** Returns a tar stream with `count` empty files that have names of typical length. Each chunk overwrites the last one. */
export function* manyEntries(count: number): Generator<Uint8Array> {
  const header = tarHeader({ name: '', size: 0 });
  const sum = Number.parseInt(Buffer.from(header.subarray(148, 154)).toString(), 8);
  const chunk = Buffer.alloc(512 * 512);
  let used = 0;
  for (let i = 0; i < count; i++) {
    chunk.set(header, used);
    const size = chunk.write(`usr/lib/node_modules/package-${Math.floor(i / 50)}/lib/file-${i}.js`, used, 'latin1');
    let nameSum = 0;
    for (let at = 0; at < size; at++) nameSum += chunk[used + at] as number;
    chunk.write((sum + nameSum).toString(8).padStart(6, '0'), used + 148, 'latin1');
    used += 512;
    if (used < chunk.length) continue;
    yield chunk;
    used = 0;
  }
  yield chunk.subarray(0, used);
  yield TAR_END;
}

const EMPTY = tarHeader({ name: 'empty', size: 0 });

function* repeat(count: number, ...parts: readonly Uint8Array[]): Generator<Uint8Array> {
  const chunk = concat(...parts);
  for (let i = 0; i < count; i++) yield chunk;
  yield TAR_END;
}

function text(size: number): string {
  return 'x'.repeat(size);
}

function gnuLongText(type: 'L' | 'K', size: number): Uint8Array {
  return tarEntry({ format: 'gnu', name: '././@LongLink', type }, text(size));
}

function sparseRecords(extents: number): Uint8Array {
  return paxHeader([
    ['GNU.sparse.major', '0'],
    ['GNU.sparse.minor', '1'],
    ['GNU.sparse.size', '1000000'],
    ['GNU.sparse.numblocks', String(extents)],
    ['GNU.sparse.map', Array.from({ length: extents }, (_, i) => `${i},0`).join(',')],
  ]);
}

function tinyRecords(count: number): Uint8Array {
  return paxHeader(Array.from({ length: count }, (_, i) => [i.toString(36), '']));
}
