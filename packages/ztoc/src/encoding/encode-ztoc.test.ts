import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryStore } from '../entries/entry-store.ts';
import { createSha256, formatDigest } from '../hashes.ts';
import type { FileEntry, FileType, Ztoc } from '../ztoc.ts';
import { decodeZtoc } from './decode-ztoc.ts';
import { encodeParts, encodeWithSpans, encodeZtoc } from './encode-ztoc.ts';
import { encodeWithLibrary } from './fixtures/library-encoding.ts';
import { goldenDigest, REFERENCE_ZTOCS, readReferenceZtoc } from './fixtures/reference-ztocs.ts';

const digestOf = (bytes: Uint8Array) => formatDigest(createSha256().update(bytes).digest());
const utf8 = (text: string) => new TextEncoder().encode(text);

/** Go's zero value of a file: every field empty or zero, and the zero `time.Time`. */
const EMPTY_FILE: FileEntry = {
  name: utf8(''),
  type: '' as FileType,
  uncompressedOffset: 0,
  uncompressedSize: 0,
  linkName: utf8(''),
  mode: 0,
  uid: 0,
  gid: 0,
  userName: utf8(''),
  groupName: utf8(''),
  modTime: '0001-01-01T00:00:00Z',
  devMajor: 0,
  devMinor: 0,
  paxRecords: [],
};

const anyBytes = fc.uint8Array({ maxLength: 60 });
const anyInteger = fc.oneof(
  fc.constantFrom(0, 1, -1, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
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
  userName: anyBytes,
  groupName: anyBytes,
  modTime: fc.string({ unit: 'binary', maxLength: 30 }),
  devMajor: anyInteger,
  devMinor: anyInteger,
  paxRecords: fc.array(fc.tuple(anyBytes, anyBytes), { maxLength: 4 }),
});
const anyZtoc: fc.Arbitrary<Ztoc> = fc.record({
  version: fc.string(),
  buildToolIdentifier: fc.string({ unit: 'binary' }),
  compressedArchiveSize: fc.maxSafeNat(),
  uncompressedArchiveSize: fc.maxSafeNat(),
  files: fc.array(anyFile, { maxLength: 12 }),
  compression: fc.constantFrom('gzip', 'uncompressed'),
  maxSpanId: fc.integer({ min: -1 }),
  spanDigests: fc.array(fc.string({ maxLength: 80 }), { maxLength: 5 }),
  checkpoints: anyBytes,
});

describe('encodeZtoc', () => {
  it("returns the digest of the reference's serialization test (ztoc/ztoc_test.go, TestWriteZtoc)", () => {
    const ztoc: Ztoc = {
      version: '0.9',
      buildToolIdentifier: 'AWS SOCI CLI',
      compressedArchiveSize: 2_000_000,
      uncompressedArchiveSize: 2_500_000,
      files: [EMPTY_FILE, EMPTY_FILE],
      compression: 'gzip',
      maxSpanId: 3,
      spanDigests: [],
      checkpoints: new Uint8Array(1 << 16),
    };
    const bytes = encodeZtoc(ztoc);
    expect(bytes.length).toBe(65_928);
    expect(digestOf(bytes)).toBe('sha256:eba28fdf50b1b57543f57dd051b2468c1d4f57b64d2006c75aa4de1d03e6c7ec');
  });

  it.each(REFERENCE_ZTOCS)('encodes the zTOC of %s as the reference does', (layer) => {
    const bytes = readReferenceZtoc(layer);
    expect(digestOf(bytes)).toBe(goldenDigest(layer));
    expect(encodeZtoc(decodeZtoc(bytes))).toEqual(bytes);
  });

  it('encodes any zTOC as the FlatBuffers library does', () => {
    fc.assert(
      fc.property(anyZtoc, (ztoc) => {
        expect(encodeZtoc(ztoc)).toEqual(encodeWithLibrary(ztoc));
      }),
      { seed: 20_261_123, numRuns: 2000 },
    );
  });

  it('encodes other spans with the same files as encodeZtoc does', () => {
    const anySize = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(anyZtoc, anyZtoc, anySize, (first, second, compressedArchiveSize) => {
        const { version, buildToolIdentifier, files } = first;
        const expected = { ...second, version, buildToolIdentifier, files, compressedArchiveSize };
        const source = {
          size: second.checkpoints.length,
          moveTo: (target: Uint8Array) => target.set(second.checkpoints),
        };
        const encoded = encodeWithSpans(encodeZtoc(first), expected, source);
        expect(encoded.bytes).toEqual(encodeZtoc(expected));
        expect(encoded.checkpoints).toEqual(second.checkpoints);
      }),
      { seed: 20_261_129, numRuns: 2000 },
    );
  });

  it('moves the checkpoints into the encoded zTOC', () => {
    const bytes = readReferenceZtoc('pax-xattrs.tar.gz');
    const { checkpoints, files, ...head } = decodeZtoc(bytes);
    let source = checkpoints.slice();
    const moveTo = (target: Uint8Array) => {
      target.set(source);
      source = new Uint8Array(0);
    };
    const entries = new EntryStore(1 << 20);
    for (const file of files) entries.add(file, () => {});
    const encoded = encodeParts(head, entries, { size: source.length, moveTo });
    expect(encoded.bytes).toEqual(bytes);
    expect(encoded.checkpoints).toEqual(checkpoints);
    expect(encoded.checkpoints.buffer).toBe(encoded.bytes.buffer);
  });

  it('allocates its buffer once, with little waste', () => {
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const files = Array.from({ length: 500 }, (_, i) => ztoc.files[i % ztoc.files.length] as FileEntry);
    const bytes = encodeZtoc({ ...ztoc, files });
    // A writer that has to grow doubles its buffer.
    expect(bytes.buffer.byteLength - bytes.length).toBeLessThan(4096 + 0.1 * bytes.length);
  });

  it('allocates more than 32 MiB for a large zTOC, so that all of it returns to the system', () => {
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const bytes = encodeZtoc({ ...ztoc, checkpoints: new Uint8Array(1 << 20) });
    expect(bytes.length).toBeLessThan(1.1 * 2 ** 20);
    expect(bytes.buffer.byteLength).toBeGreaterThan(32 << 20);
  });

  it('encodes integers beyond 2^53 exactly', () => {
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const [file] = ztoc.files as [FileEntry];
    const odd: FileEntry = { ...file, mode: 2n ** 63n - 1n, devMajor: -(2n ** 63n), devMinor: -1, uid: 2 ** 32 - 1 };
    expect(decodeZtoc(encodeZtoc({ ...ztoc, files: [odd] })).files).toEqual([odd]);
  });

  it('encodes times of any length', () => {
    const modTime = '2026-11-23T13:45:56.123456789+05:30';
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const files = [{ ...(ztoc.files[0] as FileEntry), modTime }];
    expect(decodeZtoc(encodeZtoc({ ...ztoc, files })).files[0]?.modTime).toBe(modTime);
  });

  it('rejects a zTOC that is too large for the format, before it allocates', () => {
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const file = { ...(ztoc.files[0] as FileEntry), name: new Uint8Array(1 << 20) };
    const huge = { ...ztoc, files: new Array<FileEntry>(2048).fill(file) };
    expect(() => encodeZtoc(huge)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });
});
