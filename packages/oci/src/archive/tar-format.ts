import { OciError } from '../errors.ts';

/** Block size of tar in bytes. Headers have one block; bodies are padded to whole blocks. */
export const BLOCK_SIZE = 512;

/** Longest name that fits into the name field of a ustar header. */
const MAX_USTAR_NAME = 100;

/** Largest size that fits into eleven octal digits: 8 GiB - 1. */
const MAX_USTAR_SIZE = 0o77777777777;

/** Parsed header of a member. */
export interface TarHeader {
  /** Name with one character per byte. Only ASCII names occur in a layout. */
  readonly name: string;
  /** Type flag: `0` for a file, `5` for a directory, `x` for a PAX header, and so on. */
  readonly type: string;
  /** Size of the body in bytes, without padding. */
  readonly size: number;
  /** Target, for links only. One character per byte. */
  readonly linkName?: string;
}

/**
 * Parses a header block in v7, ustar, GNU or PAX format.
 *
 * ```text
 * offset  length
 *      0     100  name, ends with a zero byte if shorter
 *    124      12  size, octal text; base-256 if the first bit is set
 *    148       8  checksum: sum of the bytes of the block, with spaces in this field
 *    156       1  type flag
 *    157     100  target of a link
 *    257       8  "ustar\0" "00", or GNU's "ustar  \0"
 *    345     155  prefix of the name, not in GNU format
 * ```
 *
 * @param offset - Offset of the block in the archive, for error messages.
 * @returns Undefined for a block of zeros, which ends the archive.
 * @throws OciError `ARCHIVE_INVALID`
 * @see POSIX.1-2017, pax, "ustar Interchange Format"; Go's archive/tar, reader.go and format.go
 */
export function parseTarHeader(block: Uint8Array, offset: number): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const stored = parseOctal(block.subarray(148, 156));
  const { unsigned, signed } = checksums(block);
  if (stored !== unsigned && stored !== signed) {
    const message = `no tar header at byte ${offset} of the archive: wrong checksum`;
    throw new OciError('ARCHIVE_INVALID', message);
  }
  const size = parseSize(block.subarray(124, 136));
  if (size === undefined) {
    throw new OciError('ARCHIVE_INVALID', `the tar header at byte ${offset} of the archive has an invalid size`);
  }
  const prefix = textOf(block.subarray(257, 265)) === 'ustar\x0000' ? trimmedText(block.subarray(345, 500)) : '';
  const name = trimmedText(block.subarray(0, 100));
  const type = String.fromCharCode(block[156] as number);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type,
    size,
    ...((type === '1' || type === '2') && { linkName: trimmedText(block.subarray(157, 257)) }),
  };
}

/**
 * Parses the records of a PAX header: `length key=value\n`, where the length covers the whole record.
 *
 * @param offset - Offset of the records in the archive, for error messages.
 * @returns Values by key, with one character per byte. The last value of a key wins.
 * @throws OciError `ARCHIVE_INVALID`
 * @see POSIX.1-2017, pax, "pax Extended Header"
 */
export function parsePaxRecords(bytes: Uint8Array, offset: number): ReadonlyMap<string, string> {
  const text = textOf(bytes);
  const records = new Map<string, string>();
  let position = 0;
  while (position < text.length) {
    const head = /^([0-9]{1,10}) /.exec(text.slice(position, position + 12));
    const end = position + Number(head?.[1] ?? 0);
    const body = head === null ? '' : text.slice(position + head[0].length, end);
    const equals = body.indexOf('=');
    if (end > text.length || equals < 1 || !body.endsWith('\n')) {
      throw new OciError('ARCHIVE_INVALID', `a PAX record at byte ${offset + position} of the archive is malformed`);
    }
    records.set(body.slice(0, equals), body.slice(equals + 1, -1));
    position = end;
  }
  return records;
}

/**
 * Returns the header of a file: mode 0644, owner 0, time 0. Adds a PAX header if name or size is too long for ustar.
 */
export function formatMemberHeader(name: string, size: number): Uint8Array {
  const records: string[] = [];
  if (name.length > MAX_USTAR_NAME) records.push(formatPaxRecord('path', name));
  if (size > MAX_USTAR_SIZE) records.push(formatPaxRecord('size', String(size)));
  const header = formatBlock(name.slice(0, MAX_USTAR_NAME), Math.min(size, MAX_USTAR_SIZE), '0');
  if (records.length === 0) return header;

  const body = Buffer.from(records.join(''), 'latin1');
  const whole = new Uint8Array(BLOCK_SIZE + paddedSize(body.length) + BLOCK_SIZE);
  whole.set(formatBlock('PaxHeaders/member', body.length, 'x'), 0);
  whole.set(body, BLOCK_SIZE);
  whole.set(header, whole.length - BLOCK_SIZE);
  return whole;
}

/** Formats a record of a PAX header. */
export function formatPaxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  // The length includes its own digits, which may add one more digit.
  let length = rest.length + String(rest.length).length;
  length = rest.length + String(length).length;
  return `${length}${rest}`;
}

/** Returns the size of a body with its padding. */
export function paddedSize(size: number): number {
  return size + ((BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE);
}

/** Converts bytes to text, one character per byte. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Converts the bytes before the first zero byte to text. */
export function trimmedText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return textOf(end === -1 ? bytes : bytes.subarray(0, end));
}

/** Returns both sums that are in use: of unsigned and of signed bytes. */
export function checksums(block: Uint8Array): { unsigned: number; signed: number } {
  let unsigned = 0;
  let signed = 0;
  for (let position = 0; position < BLOCK_SIZE; position += 1) {
    const byte = position >= 148 && position < 156 ? 0x20 : (block[position] as number);
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return { unsigned, signed };
}

function parseSize(bytes: Uint8Array): number | undefined {
  return ((bytes[0] as number) & 0x80) === 0 ? parseOctal(bytes) : parseBase256(bytes);
}

function parseOctal(bytes: Uint8Array): number | undefined {
  const digits = textOf(bytes).replace(/^[ \0]+|[ \0]+$/g, '');
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : undefined;
}

/** Parses a GNU number: big-endian after the marker bit. Negative numbers are not supported. */
function parseBase256(bytes: Uint8Array): number | undefined {
  let value = (bytes[0] as number) & 0x7f;
  if (value >= 0x40) return undefined;
  for (const byte of bytes.subarray(1)) value = value * 256 + byte;
  return Number.isSafeInteger(value) ? value : undefined;
}

function formatBlock(name: string, size: number, type: string): Uint8Array {
  const block = Buffer.alloc(BLOCK_SIZE);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0, 'latin1');
  block.write(octal(0o644, 7), 100, 'latin1');
  block.write(octal(0, 7), 108, 'latin1');
  block.write(octal(0, 7), 116, 'latin1');
  block.write(octal(size, 11), 124, 'latin1');
  block.write(octal(0, 11), 136, 'latin1');
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(0, 7), 329, 'latin1');
  block.write(octal(0, 7), 337, 'latin1');
  block.write(`${octal(checksums(block).unsigned, 6)} `, 148, 'latin1');
  return block;
}
