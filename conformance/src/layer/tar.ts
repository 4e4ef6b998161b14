import type { Random } from '@soci/test-content';
import { type Content, renderContent } from './content.ts';
import { type Corruption, corrupt } from './corruption.ts';

/** Header format: the magic, and the fields after the common ones. */
export type Dialect = 'v7' | 'ustar' | 'gnu' | 'star';

/** Offset and width of the header fields that an entry may set, in bytes. The last eight belong to one format each. */
export const FIELDS = {
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  magic: [257, 8],
  devMajor: [329, 8],
  devMinor: [337, 8],
  prefix: [345, 155],
  gnuAccessTime: [345, 12],
  gnuChangeTime: [357, 12],
  gnuSparse: [386, 96],
  gnuExtended: [482, 1],
  gnuRealSize: [483, 12],
  starAccessTime: [476, 12],
  starChangeTime: [488, 12],
} as const;

/** Name of a header field. */
export type FieldName = keyof typeof FIELDS;

/** An entry of an archive, with the values of its header fields. Text is latin1: one character for each byte. */
export interface TarEntry {
  readonly dialect: Dialect;
  /** The type flag. */
  readonly type: string;
  readonly name: string;
  readonly linkName?: string;
  readonly userName?: string;
  readonly groupName?: string;
  /** Fields with fixed content. A size or checksum here is not computed. */
  readonly fields?: Readonly<Partial<Record<FieldName, string>>>;
  readonly sizeStyle?: NumberStyle;
  /** Names over 100 bytes: in a preceding GNU entry, split into the prefix, or truncated. @default 'cut' */
  readonly longNames?: 'gnu' | 'prefix' | 'cut';
  /** Records of a PAX header before this entry. A string is written unchanged, without a computed length. */
  readonly pax?: readonly (readonly [key: string, value: string] | string)[];
  /** 'x' for this entry, 'g' for all following entries. @default 'x' */
  readonly paxType?: string;
  /** Bytes of the body before the content, such as a sparse map. */
  readonly bodyPrefix?: string;
  readonly content: Content;
  /** Adds up the header's bytes as signed, as some old writers did. @default false */
  readonly signedChecksum?: boolean;
  /** Fills the last block of the body with these bytes instead of zeros. */
  readonly padding?: string;
}

/** An archive, as plain data. */
export interface TarShape {
  readonly entries: readonly TarEntry[];
  /** Number of zero blocks at the end. The standard requires two. */
  readonly endBlocks: number;
  /** Bytes after the zero blocks. */
  readonly after: Content;
  readonly corruptions: readonly Corruption[];
}

const BLOCK = 512;

const MAGIC: Readonly<Record<Dialect, string>> = {
  v7: '',
  ustar: 'ustar\x0000',
  gnu: 'ustar  \0',
  star: 'ustar\x0000',
};

/** Returns the bytes of the archive that `shape` describes. */
export function renderTar(shape: TarShape): Uint8Array {
  const parts = shape.entries.flatMap(renderEntry);
  parts.push(new Uint8Array(shape.endBlocks * BLOCK), renderContent(shape.after));
  return corrupt(Buffer.concat(parts), shape.corruptions);
}

function renderEntry(entry: TarEntry): Uint8Array[] {
  const body = Buffer.concat([Buffer.from(entry.bodyPrefix ?? '', 'latin1'), renderContent(entry.content)]);
  const parts: Uint8Array[] = [];
  if (entry.pax !== undefined) {
    const records = Buffer.from(
      entry.pax.map((record) => (typeof record === 'string' ? record : paxRecord(...record))).join(''),
      'latin1',
    );
    parts.push(...renderAuxiliary(entry.dialect, entry.paxType ?? 'x', 'PaxHeaders.0/entry', records));
  }
  if (entry.longNames === 'gnu') {
    for (const [type, text] of [
      ['K', entry.linkName ?? ''],
      ['L', entry.name],
    ] as const) {
      if (text.length > 100)
        parts.push(...renderAuxiliary('gnu', type, '././@LongLink', Buffer.from(`${text}\0`, 'latin1')));
    }
  }
  parts.push(renderHeader(entry, body.length), body, padding(body.length, entry.padding));
  return parts;
}

/**
 * Formats `"%d %s=%s
 * "`. The number is the length of the whole record, including itself (POSIX pax, extended header records).
 */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let size = rest.length + 1;
  while (`${size}${rest}`.length !== size) size++;
  return `${size}${rest}`;
}

function renderAuxiliary(dialect: Dialect, type: string, name: string, body: Buffer): Uint8Array[] {
  const header = renderHeader({ dialect, type, name, content: { kind: 'zeros', size: 0, seed: 0 } }, body.length);
  return [header, body, padding(body.length)];
}

function padding(size: number, fill = ''): Uint8Array {
  const bytes = Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
  bytes.write(fill, 'latin1');
  return bytes;
}

function renderHeader(entry: TarEntry, size: number): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  const put = (text: string, offset: number, width: number) => header.write(text, offset, width, 'latin1');
  const { prefix, name } = splitName(entry);
  put(name, 0, 100);
  put(formatTarNumber(0o644, 8), ...FIELDS.mode);
  put(formatTarNumber(0, 8), ...FIELDS.uid);
  put(formatTarNumber(0, 8), ...FIELDS.gid);
  put(formatTarNumber(size, 12, entry.sizeStyle), ...FIELDS.size);
  put(formatTarNumber(1_700_000_000, 12), ...FIELDS.mtime);
  put(entry.type, 156, 1);
  put(entry.linkName ?? '', 157, 100);
  if (entry.dialect !== 'v7') {
    put(MAGIC[entry.dialect], ...FIELDS.magic);
    put(entry.userName ?? '', 265, 32);
    put(entry.groupName ?? '', 297, 32);
    put(prefix, ...FIELDS.prefix);
    if (entry.dialect === 'star') put('tar\0', 508, 4);
  }
  for (const [field, text] of Object.entries(entry.fields ?? {})) {
    if (field !== 'checksum') put(text, ...(FIELDS[field as FieldName] as readonly [number, number]));
  }
  put(entry.fields?.checksum ?? checksum(header, entry.signedChecksum === true), ...FIELDS.checksum);
  return header;
}

/** Sums all header bytes, with spaces for the checksum itself. */
function checksum(header: Buffer, signed: boolean): string {
  header.write(' '.repeat(8), FIELDS.checksum[0], 'latin1');
  let sum = 0;
  for (const byte of header) sum += signed ? (byte << 24) >> 24 : byte;
  return sum < 0 ? formatTarNumber(sum, 8, 'base256') : `${sum.toString(8).padStart(6, '0')}\0 `;
}

function splitName({ name, longNames, dialect }: TarEntry): { prefix: string; name: string } {
  if (longNames !== 'prefix' || name.length <= 100 || dialect === 'v7') return { prefix: '', name };
  const slash = name.lastIndexOf('/', dialect === 'star' ? 131 : 155);
  return slash < 1 ? { prefix: '', name } : { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
}

/** How a number is written in a field of a tar header. */
export type NumberStyle = 'octal' | 'spaces' | 'bare' | 'base256';

/**
 * Formats a number for a tar field of `width` bytes, as latin1. Octal digits end with NUL, as in POSIX. 'spaces' pads
 * them like old writers. 'bare' fills the field to its end. Numbers that do not fit are written in base 256, as GNU
 * does.
 */
export function formatTarNumber(value: number, width: number, style: NumberStyle = 'octal'): string {
  const digits = value < 0 ? '' : Math.trunc(value).toString(8);
  const room = style === 'bare' ? width : width - 1;
  if (style === 'base256' || value < 0 || digits.length > room) return base256(value, width);
  switch (style) {
    case 'octal':
      return `${digits.padStart(room, '0')}\0`;
    case 'spaces':
      return `${digits.padStart(room, ' ')} `;
    case 'bare':
      return digits.padStart(width, '0');
  }
}

function base256(value: number, width: number): string {
  let rest = BigInt(Math.trunc(value));
  const bytes: number[] = [];
  for (let i = 0; i < width; i++) {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  }
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x80 | (value < 0 ? 0x40 : 0);
  return String.fromCharCode(...bytes);
}

/**
 * Returns a path: plain, with a prefix, UTF-8, invalid UTF-8, or a whiteout. Its length is below, at or above a limit
 * of writers.
 */
export function randomName(random: Random): string {
  const parts = random.list(random.between(1, 4), () =>
    random.weighted([
      [6, () => random.pick(['usr', 'lib', 'etc', 'a', 'node_modules', '.wh.gone', '.wh..wh..opq', 'with space'])],
      [4, () => random.uint32().toString(36)],
      [1, () => Buffer.from('grüße-日本').toString('latin1')],
      [1, () => String.fromCharCode(...random.list(random.between(1, 12), () => random.between(1, 255)))],
    ])(),
  );
  const name = random.pick(['', '', '', './', '/', '../']) + parts.join('/');
  if (!random.chance(0.12)) return name;
  const length = random.pick([99, 100, 101, 155, 156, 200, 255, 256, 257, random.magnitude(100, 5000)]);
  return `${name}/${'long-name/'.repeat(length / 10 + 1)}`.slice(0, length);
}
