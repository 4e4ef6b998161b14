import { OciError } from '../errors.ts';

/** Tar's unit: headers are one block, bodies are padded to whole ones. */
export const BLOCK_SIZE = 512;

/** Longest name that the ustar header's own field holds. */
const MAX_USTAR_NAME = 100;

/** Largest size that eleven octal digits hold: 8 GiB - 1. */
const MAX_USTAR_SIZE = 0o77777777777;

/** What a tar header says of the member that follows it. */
export interface TarHeader {
  /** As it stands, each byte a character: only ASCII names matter in a layout. */
  readonly name: string;
  /** Type flag: `0` a file, `5` a folder, `x` a PAX header, and so on. */
  readonly type: string;
  /** Bytes of the body, before padding. */
  readonly size: number;
}

/**
 * Reads a header block of v7, ustar, GNU or PAX format.
 *
 * ```text
 * offset  length
 *      0     100  name, ended by a zero byte where shorter
 *    124      12  size, octal text; base-256 where the first bit is set
 *    148       8  checksum: sum of the block's bytes, these eight taken as spaces
 *    156       1  type flag
 *    257       8  "ustar\0" "00", or GNU's "ustar  \0"
 *    345     155  prefix of the name, not in GNU format
 * ```
 *
 * @param offset - Where the block stands in the archive, for error messages.
 * @returns Undefined for a block of zeros: the archive ends there.
 * @throws OciError `ARCHIVE_INVALID`
 * @see POSIX.1-2017, pax, "ustar Interchange Format"; Go's archive/tar, reader.go and format.go
 */
export function parseTarHeader(block: Uint8Array, offset: number): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const stated = parseOctal(block.subarray(148, 156));
  const { unsigned, signed } = checksums(block);
  if (stated !== unsigned && stated !== signed) {
    const message = `at byte ${offset} of the archive stands no tar header: its checksum is wrong`;
    throw new OciError('ARCHIVE_INVALID', message);
  }
  const size = parseSize(block.subarray(124, 136));
  if (size === undefined) {
    throw new OciError('ARCHIVE_INVALID', `the tar header at byte ${offset} of the archive has no valid size`);
  }
  const prefix = textOf(block.subarray(257, 265)) === 'ustar\x0000' ? trimmedText(block.subarray(345, 500)) : '';
  const name = trimmedText(block.subarray(0, 100));
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: String.fromCharCode(block[156] as number),
    size,
  };
}

/**
 * Reads the records of a PAX header: `length key=value\n`, the length counting all of itself.
 *
 * @param offset - Where the records stand in the archive, for error messages.
 * @returns Values by key, each byte a character; of a key that stands twice the last.
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

/** The header of a file: mode 0644, owner 0, time 0; a PAX header before it if name or size is too long for ustar. */
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

/** Writes one record of a PAX header. */
export function formatPaxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  // The length counts its own digits: one more may be needed for those than at first sight.
  let length = rest.length + String(rest.length).length;
  length = rest.length + String(length).length;
  return `${length}${rest}`;
}

/** Bytes that a body of `size` takes with its padding. */
export function paddedSize(size: number): number {
  return size + ((BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE);
}

/** Bytes as text, each a character. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Bytes before the first zero byte as text. */
export function trimmedText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return textOf(end === -1 ? bytes : bytes.subarray(0, end));
}

/** The two sums that writers are known to make: of bytes, and of signed bytes. */
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

/** GNU's numbers: big-endian after the first bit; a second bit would make them negative. */
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
