import { createHash } from 'node:crypto';
import { type Zippable, zipSync } from 'fflate';

/** Names that the bundler gives to chunks. They depend on the contents and on the paths of the source files. */
const CHUNK = /\bchunk-[\dA-Z]{8}\b/g;

const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];

/**
 * Removes unused chunks, and renames the others by a hash of their contents only. This makes bundles reproducible in any folder.
 *
 * @param files - Contents by file name. Files that are not chunks are the entry points.
 * @returns New names by old name, without extensions, and the renamed files.
 */
export function nameChunks(files: ReadonlyMap<string, Uint8Array>): {
  readonly names: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, Uint8Array>;
} {
  const texts = new Map([...files].map(([name, content]) => [name, decoder.decode(content)]));
  const reachedFrom = (starts: readonly string[]): ReadonlySet<string> => {
    const reached = new Set(starts);
    for (const name of reached) {
      for (const [chunk] of texts.get(name)?.matchAll(CHUNK) ?? []) reached.add(`${chunk}.js`);
    }
    return reached;
  };
  const used = reachedFrom([...files.keys()].filter((name) => !name.match(CHUNK)));
  const names = new Map<string, string>();
  for (const file of used) {
    if (!file.match(CHUNK)) continue;
    const hash = createHash('sha256');
    // Hash all files that the chunk imports, because chunks can import each other.
    for (const each of reachedFrom([file])) hash.update(`${(texts.get(each) ?? '').replaceAll(CHUNK, 'chunk')}\0`);
    // The new name has the same length, which keeps source maps valid.
    names.set(file.slice(0, -'.js'.length), `chunk-${hash.digest('hex').slice(0, 8)}`);
  }
  if (new Set(names.values()).size < names.size)
    throw new Error('cannot name chunks by their content: two chunks have the same content');
  const renamed = (text: string) => text.replaceAll(CHUNK, (chunk) => names.get(chunk) ?? chunk);
  const named = [...used].map((file) => [renamed(file), encoder.encode(renamed(texts.get(file) ?? ''))] as const);
  return { names, files: new Map(named) };
}

/** Earliest date that zips support. It is in local time, because zips store local time. */
const MODIFIED = new Date(1980, 0, 1, 0, 0, 0);

/** Marks the zip as created on Unix, which allows file permissions: readable by everyone. */
const UNIX = 3;
const READABLE_FILE = 0o100_644 << 16;

/** Creates a reproducible zip: the same files always produce the same bytes. */
export function zipFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {};
  for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    entries[name] = [content, { mtime: MODIFIED, os: UNIX, attrs: READABLE_FILE, level: 9 }];
  }
  return zipSync(entries);
}
