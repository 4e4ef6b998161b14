import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BundledPackage, formatNotices, listBundledPackages } from '@soci/bundle-report';
import { build } from 'esbuild';
import { nameChunks } from './bundle-files.ts';
import { BUILTINS, DIRECT_IMPORTS, UNUSED, UNUSED_HASHES } from './start-plugins.ts';

/** Bundled code of a function. */
export interface BundledFunction {
  /** Contents of the zip by file name, without folders. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Source maps by file name. They are not part of the zip. */
  readonly maps: ReadonlyMap<string, Uint8Array>;
  /** Packages that have code in the zip. */
  readonly packages: readonly BundledPackage[];
}

/** Options of every bundle. `target` is the oldest supported Lambda runtime. */
const OPTIONS = {
  write: false,
  bundle: true,
  platform: 'node',
  target: 'node22',
  minify: true,
  legalComments: 'none',
  logLevel: 'error',
} as const;

/** Replacements for modules that the functions do not need. The originals would be a third of the code. */
const REPLACED = {
  '@noble/hashes/sha2.js': UNUSED,
  '@smithy/core/event-streams': UNUSED,
  bowser: UNUSED,
  '@aws-sdk/credential-provider-node': fileURLToPath(new URL('../environment/credentials.js', import.meta.url)),
};

/** Imported dynamically, but never at run time: images of ECR Public are not indexed. */
const LEFT_OUT = ['@aws-sdk/client-ecr-public'];

/** File of the zip with the licenses of the packages in it. */
const NOTICES = 'THIRD-PARTY-LICENSES.txt';

/** Marks the files as ES modules. */
const PACKAGE_JSON = new TextEncoder().encode('{"type":"module"}\n');

/**
 * Bundles a function and its dependencies into minified ES modules. Dynamic imports, mainly the AWS SDK, are in separate files,
 * so a cold start does not load them.
 *
 * @param entries - Source files by the name of the output file. Lambda calls the handler in `index`.
 */
export async function bundleFunction(entries: Readonly<Record<string, string>>): Promise<BundledFunction> {
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    metafile: true,
    entryPoints: { ...entries },
    outdir: '/',
    splitting: true,
    format: 'esm',
    mainFields: ['module', 'main'],
    alias: REPLACED,
    external: LEFT_OUT,
    plugins: [BUILTINS, UNUSED_HASHES, DIRECT_IMPORTS],
    sourcemap: 'external',
    chunkNames: 'chunk-[hash]',
  });
  const files = new Map<string, Uint8Array>([['package.json', PACKAGE_JSON]]);
  const maps = new Map<string, Uint8Array>();
  const helpers = Object.entries(metafile.outputs).flatMap(([file, { inputs }]) => {
    return Object.keys(inputs).length === 0 ? [basename(file)] : [];
  });
  for (const { path, contents } of outputFiles) {
    const name = basename(path);
    if (name.endsWith('.map')) maps.set(name, contents);
    else files.set(name, withoutImports(contents, helpers));
  }
  const named = nameChunks(files);
  const packages = listBundledPackages(
    metafile,
    (file) => named.names.has(file.replace(/\.js$/, '')) || named.files.has(file),
  );
  const notices = new TextEncoder().encode(formatNotices('This function', packages));
  return { files: new Map([...named.files, [NOTICES, notices]]), maps: mapsOf(named, maps), packages };
}

/**
 * Bundles a function into one CommonJS file for inline code in a template. CloudFormation names it `index.js`.
 *
 * @param entry - Source file.
 */
export async function bundleInline(entry: string): Promise<Uint8Array> {
  const { outputFiles, metafile } = await build({ ...OPTIONS, metafile: true, entryPoints: [entry], format: 'cjs' });
  // A template has no room for license texts.
  const others = listBundledPackages(metafile).filter(({ isOwn }) => !isOwn);
  if (others.length > 0) throw new Error(`inline code cannot contain ${others.map(({ name }) => name).join(', ')}`);
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`the bundler returned no output for ${entry}`);
  return file.contents;
}

/**
 * Removes imports of nothing from esbuild's helpers, which have no side effects. esbuild adds them to each file, and a start would
 * load a further file for them. Spaces replace them, which keeps source maps valid.
 */
function withoutImports(code: Uint8Array, helpers: readonly string[]): Uint8Array {
  const text = helpers.reduce((before, name) => {
    const statement = `import"./${name}";`;
    return before.replace(statement, ' '.repeat(statement.length));
  }, new TextDecoder().decode(code));
  return new TextEncoder().encode(text);
}

/** Returns the source maps with the new names of their files. */
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
