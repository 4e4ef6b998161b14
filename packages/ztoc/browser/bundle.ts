import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** A script for the browser, by the name that it is served under. */
export type Scripts = ReadonlyMap<string, Uint8Array>;

/**
 * Bundles the page and the worker as a user's bundler would: for a browser, from the package's build.
 * @throws When something is imported that no browser has, such as a module of Node.
 */
export async function bundleScripts(): Promise<Scripts> {
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    entryPoints: ['page.ts', 'worker.ts'],
    entryNames: '[name]',
    outdir: folder,
    metafile: true,
  });
  const left = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  if (left.length > 0) throw new Error(`the bundle still imports ${left.join(', ')}`);
  return new Map(outputFiles.map(({ path, contents }) => [path.slice(folder.length), contents]));
}

/** Whether the same bundling refuses the package's entry for Node, which it must, or it would prove nothing. */
export async function refusesNodeEntry(): Promise<boolean> {
  const contents = "import { fileSource } from '@soci/ztoc/node'; globalThis.fileSource = fileSource;";
  return build({ ...OPTIONS, stdin: { contents, resolveDir: folder } }).then(
    () => false,
    (error: Error) => error.message.includes('node:fs/promises'),
  );
}

const OPTIONS = {
  absWorkingDir: folder,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  write: false,
  logLevel: 'silent',
} as const;
