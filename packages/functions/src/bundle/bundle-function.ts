import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { nameChunks } from './bundle-files.ts';

/** Code of a function, as it is deployed. */
export interface BundledFunction {
  /** What goes into the zip: file names, without folders, to contents. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Source maps of those files, which stay behind: file names to contents. */
  readonly maps: ReadonlyMap<string, Uint8Array>;
}

/** What every bundle is made with; `target` is the oldest Node of the runtimes that Lambda has for the functions. */
const OPTIONS = {
  write: false,
  bundle: true,
  platform: 'node',
  target: 'node22',
  minify: true,
  legalComments: 'none',
  logLevel: 'error',
} as const;

/** In place of modules that the functions never come to need; together they would be a third of the code. */
const REPLACED = {
  '@aws-sdk/credential-provider-node': fileURLToPath(new URL('./environment-credentials.js', import.meta.url)),
};

/** Imported on demand, and never demanded: images of ECR Public are not indexed. */
const LEFT_OUT = ['@aws-sdk/client-ecr-public'];

/** Tells Node that the files are ES modules. */
const PACKAGE_JSON = new TextEncoder().encode('{"type":"module"}\n');

/**
 * Bundles a function with all that it imports into ES modules, minified. What is imported on demand, the AWS SDK above all,
 * stands in files of its own: a start that does not need it does not read it.
 *
 * @param entries - Source files by the name of what becomes of them; `index` is what Lambda calls.
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
 * Bundles a function into one CommonJS file, as code that stands in a template: CloudFormation calls it `index.js`.
 *
 * @param entry - Its source file.
 */
export async function bundleInline(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({ ...OPTIONS, entryPoints: [entry], format: 'cjs' });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`nothing was made of ${entry}`);
  return file.contents;
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
