import { createHash } from 'node:crypto';
import { type Zippable, zipSync } from 'fflate';

/** The bundler names chunks by what is in them, and by where the files lay that it was made of. */
const CHUNK = /\bchunk-[\dA-Z]{8}\b/g;

const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];

/**
 * Leaves out the chunks that nobody imports, and names the others by their contents alone: wherever a bundle is made, it is
 * the same.
 *
 * @param files - File names to contents. Those that are no chunks are where imports begin.
 * @returns Old names to new ones, without extensions, and the files with these in place of those.
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
    // With all that it comes to import: chunks may import each other.
    for (const each of reachedFrom([file])) hash.update(`${(texts.get(each) ?? '').replaceAll(CHUNK, 'chunk')}\0`);
    // As long as the old name: the source maps stay right.
    names.set(file.slice(0, -'.js'.length), `chunk-${hash.digest('hex').slice(0, 8)}`);
  }
  if (new Set(names.values()).size < names.size) throw new Error('two chunks have the same content');
  const renamed = (text: string) => text.replaceAll(CHUNK, (chunk) => names.get(chunk) ?? chunk);
  const named = [...used].map((file) => [renamed(file), encoder.encode(renamed(texts.get(file) ?? ''))] as const);
  return { names, files: new Map(named) };
}

/** A date that zips can have, in local time, which is what they are written in: the same everywhere. */
const MODIFIED = new Date(1980, 0, 1, 0, 0, 0);

/** Zips are said to come from Unix, so that their files have permissions: those of a file that all may read. */
const UNIX = 3;
const READABLE_FILE = 0o100_644 << 16;

/** Makes a zip of files. The same files give the same bytes, wherever and whenever it is made. */
export function zipFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {};
  for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    entries[name] = [content, { mtime: MODIFIED, os: UNIX, attrs: READABLE_FILE, level: 9 }];
  }
  return zipSync(entries);
}
