import { gunzipSync, gzipSync } from 'node:zlib';

/** A file of a tarball. */
export interface TarballFile {
  /** Path in the package, such as `dist/index.js`. */
  readonly name: string;
  readonly content: Buffer;
  readonly isExecutable: boolean;
}

const BLOCK = 512;
const ROOT = 'package/';
/** Modification time of the files, in seconds since 1970: the value that npm and pnpm write. */
const MODIFIED = Date.UTC(1985, 9, 26, 8, 15) / 1000;

/** Reads the files of an npm tarball. Expects plain ustar, as pnpm and {@link writeTarball} write it. */
export function readTarball(bytes: Uint8Array): TarballFile[] {
  const tar = gunzipSync(bytes);
  const files: TarballFile[] = [];
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const field = (from: number, to: number) => tar.toString('utf8', at + from, at + to).replace(/\0.*$/s, '');
    const [prefix, base, type] = [field(345, 500), field(0, 100), field(156, 157)];
    const size = Number.parseInt(field(124, 136), 8);
    const path = prefix ? `${prefix}/${base}` : base;
    if (type !== '0' || !path.startsWith(ROOT)) throw new Error(`cannot read tarball: ${path} is not a plain file`);
    files.push({
      name: path.slice(ROOT.length),
      content: tar.subarray(at + BLOCK, at + BLOCK + size),
      isExecutable: (Number.parseInt(field(100, 108), 8) & 0o111) !== 0,
    });
    at += BLOCK + padded(size);
  }
  return files;
}

/**
 * Writes an npm tarball. The result depends only on names and contents of the files: order, times, owners and modes do not
 * depend on the machine.
 *
 * @param root - Folder of the files in the tarball, with a slash at the end.
 */
export function writeTarball(files: readonly TarballFile[], root: string = ROOT): Buffer {
  // gzip looks back only 32 KiB, so similar files must be next to each other.
  const sorted = files.toSorted((a, b) => compare(sortKey(a.name), sortKey(b.name)));
  const blocks = sorted.flatMap(({ name, content, isExecutable }) => [
    header(root + name, content.length, isExecutable ? '000755' : '000644'),
    content,
    Buffer.alloc(padded(content.length) - content.length),
  ]);
  const gzip = gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]), { level: 9, memLevel: 9 });
  gzip[9] = 255; // The operating system is "unknown".
  return gzip;
}

/** Sorts package.json first, sources next to their build output, and source maps and zips last, for better compression. */
function sortKey(name: string): string {
  if (name === 'package.json') return '';
  const group = name.endsWith('.zip') ? 3 : name.endsWith('.map') ? 2 : 1;
  return `${group} ${name.replace(/^(dist|src)\//, '')}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function header(path: string, size: number, mode: string): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  // A path of more than 100 bytes is divided at a slash.
  const cut = path.length > 100 ? path.indexOf('/', path.length - 101) : -1;
  const [prefix, base] = cut === -1 ? ['', path] : [path.slice(0, cut), path.slice(cut + 1)];
  if (Buffer.byteLength(base) > 100 || Buffer.byteLength(prefix) > 155) throw new Error(`path too long: ${path}`);
  bytes.write(base, 0);
  bytes.write(`${mode} \0`, 100);
  bytes.write('000000 \x00000000 \x00', 108);
  bytes.write(`${size.toString(8).padStart(11, '0')} `, 124);
  bytes.write(`${MODIFIED.toString(8).padStart(11, '0')} `, 136);
  bytes.write(' '.repeat(8), 148);
  bytes.write('0', 156);
  bytes.write('ustar\x0000', 257);
  bytes.write(prefix, 345);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

const padded = (size: number) => Math.ceil(size / BLOCK) * BLOCK;
