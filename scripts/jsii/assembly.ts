// The construct as a jsii module: the same sources as those of the npm package, compiled by jsii with its own TypeScript.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Manifest, ROOT } from '../workspace/packages.ts';

/** Folder of the construct. */
export const CONSTRUCT: string = join(ROOT, 'packages', 'construct');

/** Packages that the sources import. */
const LINKED = ['aws-cdk-lib', 'constructs', '@soci/filter', '@soci/functions', '@types/node'];

/** jsii requires an address. The packages of a release have the real one. */
const NO_REPOSITORY = { type: 'git', url: 'https://example.com/soci.git' };

/**
 * Compiles the sources of the construct with jsii. Writes JavaScript and declarations to `dist`, and the assembly, which describes
 * the API, to `.jsii`.
 *
 * @param folder - Folder that has the README. Gets the sources, links to their dependencies, and package.json.
 * @param manifest - Manifest of the npm package.
 * @throws Error with the output of jsii if it does not accept the sources.
 */
export function compileAssembly(folder: string, manifest: Manifest): void {
  cpSync(join(CONSTRUCT, 'src'), join(folder, 'src'), {
    recursive: true,
    filter: (path) => !path.endsWith('.test.ts') && !path.endsWith('fixtures'),
  });
  for (const name of LINKED) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(CONSTRUCT, 'node_modules', name), link);
  }
  const { jsii, author, ...others } = manifest;
  const tsc = { rootDir: 'src', outDir: 'dist', types: ['node'], inlineSourceMap: false, inlineSources: false };
  const written = {
    repository: NO_REPOSITORY,
    ...others,
    author: { name: author ?? 'the authors' },
    files: ['dist', '!dist/*.tsbuildinfo', 'assets', '.jsii', 'CHANGELOG.md'],
    // jsii does not read these.
    exports: undefined,
    publishConfig: undefined,
    jsii: { ...jsii, outdir: 'languages', tsc },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(written));
  // jsii warns that the package is not developed with its lowest peers. The check `synthesised` tests them.
  const program = join(CONSTRUCT, 'node_modules', 'jsii', 'bin', 'jsii');
  const args = [program, '--silence-warnings=reserved-word'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`jsii does not accept the construct:\n${stdout}${stderr}`);
}
