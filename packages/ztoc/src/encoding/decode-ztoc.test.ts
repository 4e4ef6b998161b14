import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZtocError } from '../errors.ts';
import { listSpans, packSpanTable } from '../spans/list-spans.ts';
import type { FileEntry, FileType, PaxRecord, Ztoc } from '../ztoc.ts';
import { decodeZtoc, decodeZtocSpans } from './decode-ztoc.ts';
import { encodeZtoc } from './encode-ztoc.ts';
import { createMutator } from './fixtures/damage.ts';
import { REFERENCE_ZTOCS, readReferenceZtoc } from './fixtures/reference-ztocs.ts';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe('decodeZtoc decodes zTOCs of the reference', () => {
  it('the zTOC of an empty layer: no entries, no spans', () => {
    expect(decodeZtoc(readReferenceZtoc('plain-empty.tar'))).toMatchObject({
      version: '0.9',
      buildToolIdentifier: 'AWS SOCI CLI v0.2',
      compressedArchiveSize: 0,
      uncompressedArchiveSize: 0,
      files: [],
      compression: 'uncompressed',
      maxSpanId: -1,
      spanDigests: [],
    });
  });

  it('entries of every type', () => {
    const { files } = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    expect(new Set(files.map(({ type }) => type))).toEqual(
      new Set(['reg', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo']),
    );
  });

  it('PAX records, sorted by key', () => {
    const { files, compression } = decodeZtoc(readReferenceZtoc('pax-xattrs.tar.gz'));
    expect(compression).toBe('gzip');
    const keys = files.flatMap(({ paxRecords }) => paxRecords.map(([key]) => text(key)));
    expect(keys.some((key) => key.startsWith('SCHILY.xattr.'))).toBe(true);
  });
});

const safeCount = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const int64 = fc.oneof(
  fc.maxSafeInteger(),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((n) => (BigInt.asIntN(54, n) === n && n !== -(2n ** 53n) ? Number(n) : n)),
  fc.constant(0),
);
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytes = fc.uint8Array({ maxLength: 40 });
const file: fc.Arbitrary<FileEntry> = fc.record({
  name: bytes,
  type: fc.constantFrom<FileType>('reg', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo'),
  uncompressedOffset: fc.integer({ min: 0, max: 1 << 20 }),
  uncompressedSize: safeCount,
  linkName: bytes,
  mode: int64,
  uid: uint32,
  gid: uint32,
  userName: bytes,
  groupName: bytes,
  modTime: fc.constantFrom('', '1970-01-01T00:00:00Z', '2026-11-23T13:45:56.000000001Z', '9999-12-31T23:59:59+01:00'),
  devMajor: int64,
  devMinor: int64,
  paxRecords: fc.array(fc.tuple(bytes, bytes) as fc.Arbitrary<PaxRecord>, { maxLength: 4 }),
});

function ztocOf(files: readonly FileEntry[], spanCount: number): Ztoc {
  const spanSize = 1 << 20;
  const size = spanCount * spanSize;
  return {
    version: '0.9',
    buildToolIdentifier: 'a tool, “quoted”',
    compressedArchiveSize: size,
    uncompressedArchiveSize: size,
    files,
    compression: 'uncompressed',
    maxSpanId: spanCount - 1,
    spanDigests: Array.from({ length: spanCount }, (_, i) => `sha256:${String(i).padStart(64, '0')}`),
    checkpoints: packSpanTable({ spanSize, size }),
  };
}

it('decodes encoded zTOCs with any files', () => {
  fc.assert(
    fc.property(fc.array(file, { maxLength: 8 }), fc.integer({ min: 1, max: 5 }), (files, spanCount) => {
      const ztoc = ztocOf(files, spanCount);
      expect(decodeZtoc(encodeZtoc(ztoc))).toEqual(ztoc);
    }),
    { numRuns: 500 },
  );
});

/** Returns the ZtocError that a call throws. */
function errorOf(act: () => unknown): ZtocError {
  try {
    act();
  } catch (error) {
    if (error instanceof ZtocError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

describe('decodeZtoc rejects', () => {
  it('data that is not a zTOC (ztoc/ztoc_test.go, TestReadZtocInWrongFormat)', () => {
    const error = errorOf(() => decodeZtoc(new TextEncoder().encode('this is not a ztoc')));
    expect(error).toMatchObject({ code: 'ZTOC_INVALID', offset: expect.any(Number) });
    expect(error.message).toContain('invalid zTOC');
  });

  it('every truncation of a zTOC', () => {
    const whole = readReferenceZtoc('plain-small.tar');
    for (let length = 0; length < whole.length - 4; length++) {
      expect(errorOf(() => decodeZtoc(whole.subarray(0, length))).code).toBe('ZTOC_INVALID');
    }
  });

  const base = ztocOf([], 3);
  it.each<[what: string, ztoc: Ztoc]>([
    ['an unknown version', { ...base, version: '1.0' }],
    ['more spans than digests', { ...base, spanDigests: base.spanDigests.slice(1) }],
    ['a last span that is not the last', { ...base, maxSpanId: 7 }],
    ['a malformed digest', { ...base, spanDigests: ['sha256:00', ...base.spanDigests.slice(1)] }],
    ['a digest in upper case', { ...base, spanDigests: base.spanDigests.map((digest) => digest.replace('0', 'A')) }],
    ['a layer whose size differs from its spans', { ...base, compressedArchiveSize: 1 }],
    ['an archive larger than its layer', { ...base, uncompressedArchiveSize: 4 << 20 }],
    ['a negative size', { ...base, compressedArchiveSize: -1 }],
    ['no checkpoints', { ...base, checkpoints: new Uint8Array(0) }],
    ['checkpoints of the other compression', { ...base, compression: 'gzip' }],
    ['a file that starts after the end of the archive', ztocOf([{ ...regularFile(), uncompressedOffset: 2 ** 40 }], 1)],
    ['a file of negative size', ztocOf([{ ...regularFile(), uncompressedSize: -1 }], 1)],
    ['an unknown file type', ztocOf([{ ...regularFile(), type: 'whiteout' as FileType }], 1)],
    ['a malformed time', ztocOf([{ ...regularFile(), modTime: 'yesterday' }], 1)],
  ])('%s', (_, ztoc) => {
    expect(errorOf(() => decodeZtoc(encodeZtoc(ztoc))).code).toBe('ZTOC_INVALID');
  });

  it('invalid spans, also without decoding the files', () => {
    const ztoc = ztocOf([regularFile()], 3);
    expect(decodeZtocSpans(encodeZtoc(ztoc))).toEqual(listSpans(ztoc));
    // An invalid table of contents is not decoded.
    expect(decodeZtocSpans(encodeZtoc(ztocOf([{ ...regularFile(), uncompressedSize: -1 }], 1)))).toHaveLength(1);
    const inconsistent = encodeZtoc({ ...ztoc, maxSpanId: 7 });
    expect(errorOf(() => decodeZtocSpans(inconsistent)).code).toBe('ZTOC_INVALID');
    expect(errorOf(() => decodeZtocSpans(encodeZtoc(ztoc), { maxSpans: 2 })).code).toBe('LIMIT_EXCEEDED');
  });

  it('more entries or spans than the limits allow', () => {
    const encoded = encodeZtoc(ztocOf([regularFile(), regularFile()], 3));
    expect(decodeZtoc(encoded, { maxEntries: 2, maxSpans: 3 }).files).toHaveLength(2);
    expect(errorOf(() => decodeZtoc(encoded, { maxEntries: 1 }))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(errorOf(() => decodeZtoc(encoded, { maxSpans: 2 })).message).toContain('more than maxSpans (2)');
  });

  it('a few bytes that expand to many: every entry refers to the same one with many records', () => {
    const records = Array.from({ length: 2000 }, (): PaxRecord => [new Uint8Array([0x6b]), new Uint8Array([0x76])]);
    const encoded = encodeZtoc(
      ztocOf([{ ...regularFile(), paxRecords: records }, ...new Array(2000).fill(regularFile())], 1),
    );
    shareFirstEntry(encoded, 2001);
    const error = errorOf(() => decodeZtoc(encoded));
    expect(error.code).toBe('ZTOC_INVALID');
    expect(error.message).toContain('add up to more than');
  });
});

function regularFile(): FileEntry {
  return {
    name: new TextEncoder().encode('file'),
    type: 'reg',
    uncompressedOffset: 512,
    uncompressedSize: 4,
    linkName: new Uint8Array(0),
    mode: 0o644,
    uid: 0,
    gid: 0,
    userName: new Uint8Array(0),
    groupName: new Uint8Array(0),
    modTime: '',
    devMajor: 0,
    devMinor: 0,
    paxRecords: [],
  };
}

/** Makes every element of the list of `count` entries refer to the first entry. */
function shareFirstEntry(encoded: Uint8Array, count: number): void {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  let list = 0;
  while (view.getUint32(list, true) !== count) list += 4;
  const first = list + 4 + view.getUint32(list + 4, true);
  for (let i = 0; i < count; i++) view.setUint32(list + 4 + 4 * i, first - (list + 4 + 4 * i), true);
}

describe.each(REFERENCE_ZTOCS)('a damaged zTOC of %s', (layer) => {
  it('is rejected with an offset, or decoded (40,000 seeded mutations)', () => {
    const whole = readReferenceZtoc(layer);
    const { checkpoints } = decodeZtoc(whole);
    const mutate = createMutator(whole, checkpoints, 0x50c1);
    let rejected = 0;
    for (let i = 0; i < 40_000; i++) {
      const mutated = mutate();
      let ztoc: Ztoc;
      try {
        ztoc = decodeZtoc(mutated);
      } catch (error) {
        if (!(error instanceof ZtocError)) throw new Error(`mutation ${i} of ${layer}`, { cause: error });
        expect(error.code === 'ZTOC_INVALID' || error.code === 'LIMIT_EXCEEDED').toBe(true);
        rejected++;
        continue;
      }
      const records = ztoc.files.reduce((sum, { paxRecords }) => sum + paxRecords.length, 0);
      if (ztoc.files.length * 64 + records * 16 > 4 * mutated.length) throw new Error(`mutation ${i} expands too much`);
      const encoded = encodeZtoc(ztoc);
      if (Buffer.compare(encodeZtoc(decodeZtoc(encoded)), encoded) !== 0)
        throw new Error(`mutation ${i} changes when it is encoded again`);
    }
    expect(rejected).toBeGreaterThan(1000);
  });
});

describe('the memory for files', () => {
  const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
  const [file] = ztoc.files as [FileEntry];
  const encode = (files: readonly FileEntry[]) => encodeZtoc({ ...ztoc, files });
  const exceeded = (limit: number) =>
    expect.objectContaining({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining(`maxFilesMemory (${limit} bytes)`),
    });

  it('is limited by the number of files', () => {
    const bytes = encode(Array.from({ length: 10 }, () => ({ ...file, paxRecords: [] })));
    expect(decodeZtoc(bytes, { maxFilesMemory: 4500 }).files).toHaveLength(10);
    expect(() => decodeZtoc(bytes, { maxFilesMemory: 4499 })).toThrow(exceeded(4499));
  });

  it('is limited by the number of PAX records', () => {
    const paxRecords = Array.from({ length: 10 }, (_, i): PaxRecord => [Uint8Array.of(97 + i), new Uint8Array(0)]);
    const bytes = encode([{ ...file, paxRecords }]);
    expect(decodeZtoc(bytes, { maxFilesMemory: 3450 }).files[0]?.paxRecords).toHaveLength(10);
    expect(() => decodeZtoc(bytes, { maxFilesMemory: 3449 })).toThrow(exceeded(3449));
  });
});
