import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeParts, encodeZtoc, type ZtocHead } from '../encoding/encode-ztoc.ts';
import type { FileEntry, FileType } from '../ztoc.ts';
import { EntryStore } from './entry-store.ts';

const anyBytes = fc.uint8Array({ maxLength: 300 });
const anyInteger = fc.oneof(fc.constant(0), fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const anyId = fc.oneof(fc.constant(0), fc.nat(2 ** 32 - 1));
const anyFile: fc.Arbitrary<FileEntry> = fc.record({
  name: anyBytes,
  type: fc.constantFrom<FileType>('reg', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo'),
  uncompressedOffset: fc.maxSafeNat(),
  uncompressedSize: fc.oneof(fc.constant(0), fc.maxSafeInteger()),
  linkName: anyBytes,
  mode: anyInteger,
  uid: anyId,
  gid: anyId,
  userName: fc.constantFrom(new Uint8Array(0), Uint8Array.of(0x61), Uint8Array.of(0x62, 0x63)),
  groupName: anyBytes,
  modTime: fc.constantFrom('', '2026-11-29T00:00:00Z', '2026-11-29T00:00:00.123456789Z'),
  devMajor: anyInteger,
  devMinor: anyInteger,
  paxRecords: fc.array(fc.tuple(anyBytes, anyBytes), { maxLength: 4 }),
});

const HEAD: ZtocHead = {
  version: '0.9',
  buildToolIdentifier: 'test',
  compressedArchiveSize: 1,
  uncompressedArchiveSize: 1,
  compression: 'uncompressed',
  maxSpanId: -1,
  spanDigests: [],
};

/** Encodes the entries of a store. */
function encode(store: EntryStore): Uint8Array {
  return encodeParts(HEAD, store, { size: 0, moveTo: () => {} }).bytes;
}

const encodeDirectly = (files: readonly FileEntry[]) => encodeZtoc({ ...HEAD, checkpoints: new Uint8Array(0), files });

it('encodes any entries as if they had not been stored', () => {
  fc.assert(
    fc.property(fc.array(anyFile, { maxLength: 30 }), (files) => {
      const store = new EntryStore(1 << 24);
      for (const file of files) store.add(file, () => {});
      expect(store.count).toBe(files.length);
      expect(Buffer.compare(encode(store), encodeDirectly(files))).toBe(0);
    }),
    { seed: 20_261_129, numRuns: 500 },
  );
});

it('keeps entries that are larger than a part of the store, and many parts', () => {
  const [file] = fc.sample(anyFile, { numRuns: 1, seed: 1 }) as [FileEntry];
  const files = Array.from({ length: 3000 }, (_, i) => ({
    ...file,
    uncompressedOffset: i,
    name: new Uint8Array(i % 500 === 0 ? 1 << 20 : i % 200).fill(i),
  }));
  const store = new EntryStore(1 << 26);
  for (const each of files) store.add(each, () => {});
  expect(Buffer.compare(encode(store), encodeDirectly(files))).toBe(0);
});

it('asks before it keeps an entry', () => {
  const store = new EntryStore(1 << 20);
  const [file] = fc.sample(anyFile, { numRuns: 1, seed: 1 }) as [FileEntry];
  const refuse = (size: number) => {
    throw new Error(`${size > 100} refused`);
  };
  expect(() => store.add(file, refuse)).toThrow('true refused');
  expect(store.count).toBe(0);
});
