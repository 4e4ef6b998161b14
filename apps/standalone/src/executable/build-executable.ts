import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BundledPackage, formatNotices, formatSbom, listBundledPackages } from '@soci/bundle-report';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { type NodePackage, REPOSITORY, readCliVersion, readNodePackage, writeStrippedNode } from '../sources.ts';

const POSTJECT = createRequire(import.meta.url).resolve('postject/dist/cli.js');
/** Marks the place in the executable that tells Node.js to look for a program. Fixed by Node.js. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/**
 * Builds the executable: Node.js with the bundled command line and the code cache of V8. The same sources give the same bytes.
 *
 * @param folder - Existing folder for the results.
 * @returns Paths of the executable, of the licenses of everything in it, and of its SBOM.
 * @see https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html
 */
export async function buildExecutable(folder: string): Promise<string[]> {
  const version = readCliVersion();
  const scratch = mkdtempSync(join(tmpdir(), 'soci-executable-'));
  try {
    const node = join(scratch, 'node');
    writeStrippedNode(node);
    const packages = await bundle(scratch, version);
    const nodePackage = readNodePackage();
    const notices = noticesOf(packages, nodePackage);
    writeFileSync(join(scratch, 'LICENSES.txt'), notices);
    // Relative paths: the path of the program becomes part of the code cache.
    const configuration = {
      main: 'program.cjs',
      output: 'program.blob',
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      assets: { 'layer-worker.js': 'layer-worker.cjs', 'LICENSES.txt': 'LICENSES.txt' },
    };
    writeFileSync(join(scratch, 'sea.json'), JSON.stringify(configuration));
    // Without a seed, the code cache differs in each build. V8 accepts the cache of another seed.
    run(node, ['--random-seed=1', '--experimental-sea-config', 'sea.json'], scratch);
    const executable = join(scratch, 'soci-index');
    copyFileSync(node, executable);
    run(process.execPath, [POSTJECT, executable, 'NODE_SEA_BLOB', 'program.blob', '--sentinel-fuse', FUSE], scratch);

    const path = join(folder, `soci-index-${version}-linux-x64`);
    writeFileSync(`${path}.LICENSES.txt`, notices);
    const product = { name: 'soci-index', content: readFileSync(executable) };
    writeFileSync(`${path}.cdx.json`, formatSbom(product, [...packages, toBundledPackage(nodePackage)]));
    copyFileSync(executable, `${path}.part`);
    renameSync(`${path}.part`, path);
    return [path, `${path}.LICENSES.txt`, `${path}.cdx.json`];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Writes `program.cjs` and `layer-worker.cjs`. Returns the packages that they contain. */
async function bundle(folder: string, version: string): Promise<BundledPackage[]> {
  const program = fileURLToPath(new URL('./program.js', import.meta.url));
  const worker = join(dirname(fileURLToPath(import.meta.resolve('@soci/index'))), 'layers', 'layer-worker.js');
  const options: BuildOptions = {
    // Names in the bundle are relative to it, so that they are the same in each checkout.
    absWorkingDir: REPOSITORY,
    bundle: true,
    // An executable runs a single script, which is a CommonJS module.
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // `import()` does not work in a script with a code cache.
    supported: { 'dynamic-import': false },
    define: { BUNDLED_VERSION: JSON.stringify(version), 'import.meta.url': '"file:///soci-index"' },
    logLevel: 'error',
  };
  const plugins = [assetWorker];
  const results = await Promise.all([
    build({ ...options, metafile: true, entryPoints: [program], outfile: join(folder, 'program.cjs'), plugins }),
    build({ ...options, metafile: true, entryPoints: [worker], outfile: join(folder, 'layer-worker.cjs') }),
  ]);
  const inputs = results.flatMap(({ metafile }) =>
    Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs)),
  );
  const absolute = inputs.map(([path, use]) => [resolve(REPOSITORY, path), use] as const);
  return listBundledPackages({ outputs: { all: { inputs: Object.fromEntries(absolute) } } });
}

/** Replaces the threads of `@soci/index` by those of asset-worker.ts. */
const assetWorker: Plugin = {
  name: 'asset-worker',
  setup({ onResolve }) {
    const replacement = fileURLToPath(new URL('./asset-worker.js', import.meta.url));
    onResolve({ filter: /^node:worker_threads$/ }, ({ importer }) =>
      basename(importer) === 'layer-thread.js' ? { path: replacement } : undefined,
    );
  },
};

/** Returns the notices of the bundle and of Node.js, which has those of its libraries in its own license file. */
function noticesOf(packages: readonly BundledPackage[], { version, licenseText }: NodePackage): string {
  const rule = '='.repeat(80);
  return `${formatNotices('soci-index', packages)}\n${rule}\n\nNode.js ${version}\n\n${licenseText}\n`;
}

function toBundledPackage({ name, version, license, licenseText }: NodePackage): BundledPackage {
  return { name, version, license, texts: [licenseText], isOwn: false };
}

/** Runs a program. Its output is only part of the error if it fails. */
function run(program: string, args: readonly string[], cwd: string): void {
  execFileSync(program, args, { cwd, stdio: 'pipe' });
}
