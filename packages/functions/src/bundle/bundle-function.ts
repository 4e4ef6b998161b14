import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Zippable, zipSync } from 'fflate';

/** Code of a function, as it is deployed. */
export interface BundledFunction {
  /** What goes into the zip: file names, without folders, to contents. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Source maps of those files, which stay behind: file names to contents. */
  readonly maps: ReadonlyMap<string, Uint8Array>;
}

/** The oldest Node of the runtimes that Lambda has for the functions. */
const TARGET = 'node22';

/** In place of modules that the functions never come to need; together they would be a third of the code. */
const REPLACED = {
  '@aws-sdk/credential-provider-node': fileURLToPath(new URL('./environment-credentials.js', import.meta.url)),
};

/** Imported on demand, and never demanded: images of ECR Public are not indexed. */
const LEFT_OUT = ['@aws-sdk/client-ecr-public'];

/** Tells Node that the files are ES modules. */
const PACKAGE_JSON = new TextEncoder().encode('{"type":"module"}\n');

/** The bundler names chunks by what is in them, and by where the files lay that it was made of. */
const CHUNK = /\bchunk-[\dA-Z]{8}\b/g;

const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];

/** A date that zips can have, in local time, which is what they are written in: the same everywhere. */
const MODIFIED = new Date(1980, 0, 1, 0, 0, 0);

/** Zips are said to come from Unix, so that their files have permissions: those of a file that all may read. */
const UNIX = 3;
const READABLE_FILE = 0o100_644 << 16;

/**
 * Bundles a function with all that it imports into ES modules, minified. What is imported on demand, the AWS SDK above all,
 * stands in files of its own: a start that does not need it does not read it.
 *
 * @param entries - Source files by the name of what becomes of them; `index` is what Lambda calls.
 */
export async function bundleFunction(entries: Readonly<Record<string, string>>): Promise<BundledFunction> {
  const { outputFiles } = await build({
    entryPoints: { ...entries },
    outdir: '/',
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: TARGET,
    mainFields: ['module', 'main'],
    alias: REPLACED,
    external: LEFT_OUT,
    minify: true,
    legalComments: 'none',
    sourcemap: 'external',
    chunkNames: 'chunk-[hash]',
    logLevel: 'error',
  });
  const files = new Map<string, Uint8Array>([['package.json', PACKAGE_JSON]]);
  const maps = new Map<string, Uint8Array>();
  for (const { path, contents } of outputFiles) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    (name.endsWith('.map') ? maps : files).set(name, contents);
  }
  const named = nameChunks(files);
  return { files: named.files, maps: mapsOf(named, maps) };
}

/**
 * Bundles a function into one CommonJS file, as code that stands in a template: CloudFormation calls it `index.js`.
 *
 * @param entry - Its source file.
 */
export async function bundleInline(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    write: false,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: TARGET,
    minify: true,
    legalComments: 'none',
    logLevel: 'error',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`nothing was made of ${entry}`);
  return file.contents;
}

/** Makes a zip of files. The same files give the same bytes, wherever and whenever it is made. */
export function zipFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {};
  for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    entries[name] = [content, { mtime: MODIFIED, os: UNIX, attrs: READABLE_FILE, level: 9 }];
  }
  return zipSync(entries);
}

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

/** The source maps of files that have new names. */
function mapsOf(
  { names, files }: ReturnType<typeof nameChunks>,
  maps: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> {
  const named = [...maps].map(([map, content]) => {
    const file = map.slice(0, -'.js.map'.length);
    return [`${names.get(file) ?? file}.js.map`, content] as const;
  });
  return new Map(named.filter(([map]) => files.has(map.slice(0, -'.map'.length))));
}
