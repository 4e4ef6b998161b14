import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { nameChunks } from './bundle-files.ts';

/** Bundled code of a function. */
export interface BundledFunction {
  /** Contents of the zip by file name, without folders. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Source maps by file name. They are not part of the zip. */
  readonly maps: ReadonlyMap<string, Uint8Array>;
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
  '@aws-sdk/credential-provider-node': fileURLToPath(new URL('./environment-credentials.js', import.meta.url)),
};

/** Imported dynamically, but never at run time: images of ECR Public are not indexed. */
const LEFT_OUT = ['@aws-sdk/client-ecr-public'];

/** Marks the files as ES modules. */
const PACKAGE_JSON = new TextEncoder().encode('{"type":"module"}\n');

/**
 * Bundles a function and its dependencies into minified ES modules. Dynamic imports, mainly the AWS SDK, are in separate files,
 * so a cold start does not load them.
 *
 * @param entries - Source files by the name of the output file. Lambda calls the handler in `index`.
 */
export async function bundleFunction(entries: Readonly<Record<string, string>>): Promise<BundledFunction> {
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: { ...entries },
    outdir: '/',
    splitting: true,
    format: 'esm',
    mainFields: ['module', 'main'],
    alias: REPLACED,
    external: LEFT_OUT,
    sourcemap: 'external',
    chunkNames: 'chunk-[hash]',
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
 * Bundles a function into one CommonJS file for inline code in a template. CloudFormation names it `index.js`.
 *
 * @param entry - Source file.
 */
export async function bundleInline(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({ ...OPTIONS, entryPoints: [entry], format: 'cjs' });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`the bundler returned no output for ${entry}`);
  return file.contents;
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
