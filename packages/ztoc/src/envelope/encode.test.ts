import { describe, expect, it } from 'vitest';
import { createSha256, formatDigest } from '../hash/sha256.ts';
import type { FileEntry, FileType, Ztoc } from '../ztoc.ts';
import { decodeZtoc } from './decode.ts';
import { encodeZtoc } from './encode.ts';
import { goldenDigest, REFERENCE_ZTOCS, readReferenceZtoc } from './fixtures/reference-ztocs.ts';

const digestOf = (bytes: Uint8Array) => formatDigest(createSha256().update(bytes).digest());
const utf8 = (text: string) => new TextEncoder().encode(text);

/** What Go has for a file nobody filled in: every field empty or zero, the time that of its zero `time.Time`. */
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

describe('encodeZtoc', () => {
  it("gives the digest of the reference's own serialisation test (ztoc/ztoc_test.go, TestWriteZtoc)", () => {
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

  it.each(REFERENCE_ZTOCS)('writes the zTOC of %s as the reference did', (layer) => {
    const bytes = readReferenceZtoc(layer);
    expect(digestOf(bytes)).toBe(goldenDigest(layer));
    expect(encodeZtoc(decodeZtoc(bytes))).toEqual(bytes);
  });

  it('never grows its buffer, and wastes little of it', () => {
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const files = Array.from({ length: 500 }, (_, i) => ztoc.files[i % ztoc.files.length]);
    const bytes = encodeZtoc({ ...ztoc, files });
    // A builder that has to grow doubles its buffer.
    expect(bytes.buffer.byteLength - bytes.length).toBeLessThan(4096 + 0.1 * bytes.length);
  });

  it('writes integers beyond 2^53 exactly', () => {
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const [file] = ztoc.files;
    const odd: FileEntry = { ...file, mode: 2n ** 63n - 1n, devMajor: -(2n ** 63n), devMinor: -1, uid: 2 ** 32 - 1 };
    expect(decodeZtoc(encodeZtoc({ ...ztoc, files: [odd] })).files).toEqual([odd]);
  });

  it('takes times of any length', () => {
    const modTime = '2026-11-23T13:45:56.123456789+05:30';
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const files = [{ ...ztoc.files[0], modTime }];
    expect(decodeZtoc(encodeZtoc({ ...ztoc, files })).files[0].modTime).toBe(modTime);
  });

  it('refuses what the format cannot address before it takes the memory', () => {
    const ztoc = decodeZtoc(readReferenceZtoc('plain-small.tar'));
    const file = { ...ztoc.files[0], name: new Uint8Array(1 << 20) };
    const huge = { ...ztoc, files: new Array<FileEntry>(2048).fill(file) };
    expect(() => encodeZtoc(huge)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });
});
