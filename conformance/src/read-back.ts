import { gunzipSync } from 'node:zlib';
import { Random } from '@soci/test-content';
import { bytesSource, decodeZtoc, type FileEntry, type FileSelector, openZtoc, type Ztoc } from '@soci/ztoc';
import type { Difference } from './outcome.ts';
import type { Reference, ZtocRequest } from './reference.ts';

/** Maximum size of a file that is read back, in bytes. Files are sent to the reference as base64. */
const MAX_FILE_SIZE = 4 << 20;

/**
 * The reference cannot read every zTOC that it writes. Its reader requires each entry to end before the next one
 * begins, which the logical size of a sparse file can prevent (ztoc/ztoc_marshaler.go, `flatbufferToTOC`).
 */
const REFUSED_TABLE = 'invalid toc entry';

/**
 * Reads some files of a layer through our zTOC, with our code and with the reference, and compares both with the
 * archive. It selects regular files with a unique path. Sparse files are excluded, because their size is not that of
 * their bytes in the archive.
 */
export async function findReadBackDifference(
  layer: Uint8Array,
  encoded: Uint8Array,
  algorithm: ZtocRequest['algorithm'],
  reference: Reference,
  count: number,
): Promise<{ difference: Difference | undefined; filesRead: number }> {
  const archive = algorithm === 'gzip' ? tryGunzip(layer) : layer;
  if (archive === undefined) return { difference: undefined, filesRead: 0 };
  const ztoc = decodeZtoc(encoded);
  const candidates = plainFiles(ztoc.files, archive.length);
  const random = new Random(layer.length, encoded.length);
  let filesRead = 0;
  for (; filesRead < count && candidates.length > 0; filesRead++) {
    const [file] = candidates.splice(random.between(0, candidates.length - 1), 1) as [FileEntry];
    const expected = archive.subarray(file.uncompressedOffset, file.uncompressedOffset + file.uncompressedSize);
    const ours = await extractOurs(ztoc, layer, isReplaced(file, ztoc.files) ? file : file.name);
    const theirs = await reference.extract(encoded, layer, file.name);
    if (theirs === REFUSED_TABLE) return { difference: undefined, filesRead };
    for (const [reader, bytes] of [
      ['ours', ours],
      ['the reference', theirs],
    ] as const) {
      if (typeof bytes !== 'string' && Buffer.compare(bytes, expected) === 0) continue;
      const name = JSON.stringify(Buffer.from(file.name).toString('latin1'));
      const found = typeof bytes === 'string' ? bytes : `${bytes.length} other bytes`;
      return {
        difference: {
          signature: `read back by ${reader}`,
          details: `${name} of ${expected.length} bytes, read by ${reader}: ${found}`,
        },
        filesRead,
      };
    }
  }
  return { difference: undefined, filesRead };
}

/**
 * Decompresses the layer with Node. Returns undefined if Node cannot: unlike the reference, it rejects a zlib stream
 * after a gzip member.
 */
function tryGunzip(layer: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(layer);
  } catch {
    return undefined;
  }
}

function plainFiles(files: readonly FileEntry[], archiveSize: number): FileEntry[] {
  const uses = new Map<string, number>();
  const key = (file: FileEntry) => plainPath(Buffer.from(file.name).toString('latin1'));
  for (const file of files) uses.set(key(file), (uses.get(key(file)) ?? 0) + 1);
  const isSparse = (file: FileEntry) =>
    file.paxRecords.some(([name]) => Buffer.from(name).toString('latin1').startsWith('GNU.sparse.'));
  return files.filter(
    (file) =>
      file.type === 'reg' &&
      file.uncompressedSize <= MAX_FILE_SIZE &&
      file.uncompressedOffset + file.uncompressedSize <= archiveSize &&
      uses.get(key(file)) === 1 &&
      file.linkName.length === 0 &&
      !isSparse(file),
  );
}

/**
 * Returns whether a later entry replaces a parent directory of a file. Our reader finds such a file only by its entry,
 * because it does not exist after extraction. The reference finds it by its name.
 */
function isReplaced(file: FileEntry, files: readonly FileEntry[]): boolean {
  const path = plainPath(Buffer.from(file.name).toString('latin1'));
  return files
    .slice(files.indexOf(file) + 1)
    .some(({ name, type }) => type !== 'dir' && path.startsWith(`${plainPath(Buffer.from(name).toString('latin1'))}/`));
}

/** Normalizes a path: removes `.`, `..` and repeated slashes, in which two names of one file may differ. */
function plainPath(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

async function extractOurs(ztoc: Ztoc, layer: Uint8Array, file: FileSelector): Promise<Uint8Array | string> {
  try {
    return await openZtoc(ztoc, bytesSource(layer)).readFile(file);
  } catch (error) {
    return String(error);
  }
}
