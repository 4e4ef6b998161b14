import { crc32 } from 'node:zlib';
import type { Random } from '@soci/test-content';

/** The optional parts of a gzip header (RFC 1952, section 2.3). Text is latin1. */
export interface GzipHeader {
  readonly mtime?: number;
  readonly extraFlags?: number;
  readonly os?: number;
  readonly text?: boolean;
  /** Content of FEXTRA. An empty string makes an empty field. */
  readonly extra?: string;
  readonly name?: string;
  readonly comment?: string;
  /** Header checksum: correct, or wrong in one bit. */
  readonly headerChecksum?: 'right' | 'wrong';
  /** Reserved flag bits, which must not be set: 0x20, 0x40, 0x80. */
  readonly reservedFlags?: number;
}

const FTEXT = 1;
const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;

/** Makes a gzip member: header, deflate stream of `data`, and trailer. */
export function renderMember(header: GzipHeader, deflated: Uint8Array, data: Uint8Array): Uint8Array {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(data), 0);
  trailer.writeUInt32LE(data.length, 4);
  return Buffer.concat([renderHeader(header), deflated, trailer]);
}

function renderHeader(header: GzipHeader): Buffer {
  const fixed = Buffer.from([
    0x1f,
    0x8b,
    8,
    header.reservedFlags ?? 0,
    0,
    0,
    0,
    0,
    header.extraFlags ?? 0,
    header.os ?? 255,
  ]);
  if (header.text === true) fixed[3] |= FTEXT;
  if (header.headerChecksum !== undefined) fixed[3] |= FHCRC;
  if (header.extra !== undefined) fixed[3] |= FEXTRA;
  if (header.name !== undefined) fixed[3] |= FNAME;
  if (header.comment !== undefined) fixed[3] |= FCOMMENT;
  fixed.writeUInt32LE(header.mtime ?? 0, 4);
  const parts = [fixed];
  if (header.extra !== undefined) {
    const size = Buffer.alloc(2);
    size.writeUInt16LE(header.extra.length);
    parts.push(size, Buffer.from(header.extra, 'latin1'));
  }
  for (const text of [header.name, header.comment]) {
    if (text !== undefined) parts.push(Buffer.from(`${text}\0`, 'latin1'));
  }
  if (header.headerChecksum !== undefined) {
    const checksum = Buffer.alloc(2);
    checksum.writeUInt16LE((crc32(Buffer.concat(parts)) & 0xffff) ^ (header.headerChecksum === 'wrong' ? 1 : 0));
    parts.push(checksum);
  }
  return Buffer.concat(parts);
}

/** Returns a header: usually plain, otherwise with any of the parts, sometimes longer than readers expect. */
export function randomHeader(random: Random): GzipHeader {
  if (random.chance(0.75)) return {};
  const text = () =>
    random.pick([
      '',
      'layer.tar',
      'gr\xfc\xdfe',
      'x'.repeat(
        random.weighted([
          [6, random.magnitude(1, 500)],
          [1, random.between(505, 520)],
          [1, 5000],
        ]),
      ),
    ]);
  return {
    mtime: random.pick([0, 1, 2 ** 31, 2 ** 32 - 1]),
    extraFlags: random.pick([0, 2, 4, 255]),
    os: random.between(0, 255),
    text: random.chance(0.3),
    ...(random.chance(0.4) && { extra: 'e\0'.repeat(random.pick([0, 1, 4, 300, 20_000, 32_767])) }),
    ...(random.chance(0.4) && { name: text() }),
    ...(random.chance(0.3) && { comment: text() }),
    ...(random.chance(0.3) && { headerChecksum: random.chance(0.95) ? 'right' : 'wrong' }),
    ...(random.chance(0.02) && { reservedFlags: random.pick([0x20, 0x40, 0x80]) }),
  };
}
