// The published declarations, as the compiler of a user reads them.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packPackages } from '../release/pack.ts';
import { type Finding, publishedSubpaths, ROOT, readManifest } from '../workspace/packages.ts';
import { makeApp } from './installed.ts';

/** The oldest TypeScript that the packages support. Older ones have no `Uint8Array<ArrayBuffer>`. */
const OLDEST_TYPESCRIPT = '5.7.3';

const RESOLUTIONS = [
  ['--module', 'nodenext'],
  ['--module', 'esnext', '--moduleResolution', 'bundler'],
];
const OPTIONS = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--types', 'node'];

/**
 * Checks that a program that imports every entry point of every package compiles, including the declarations,
 * with the oldest and the pinned TypeScript.
 */
export function consumerTypes(): Finding[] {
  const packed = packPackages();
  const entries = packed.flatMap(({ unit }) =>
    publishedSubpaths(unit.manifest)
      .filter((subpath) => !subpath.endsWith('.json'))
      .map((subpath) => unit.name + subpath.slice(1)),
  );
  const versionOf = (name: string, folder = '.') => readManifest(join(ROOT, folder, 'node_modules', name)).version;
  const peers = ['aws-cdk-lib', 'constructs'].map((name) => `${name}@${versionOf(name, 'packages/construct')}`);
  const types = `@types/node@${versionOf('@types/node')}`;
  return [OLDEST_TYPESCRIPT, versionOf('typescript')].map((version) => {
    const app = makeApp([...packed.map(({ tarball }) => tarball), ...peers, types, `typescript@${version}`]);
    const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}';`);
    const names = entries.map((_, index) => `entry${index}`);
    writeFileSync(join(app, 'app.mts'), `${imports.join('\n')}\nconsole.log(${names.join(', ')});\n`);
    const tsc = join(app, 'node_modules', 'typescript', 'bin', 'tsc');
    const problems = RESOLUTIONS.flatMap((resolution) => {
      const args = [tsc, ...OPTIONS, ...resolution, 'app.mts'];
      const { status, stdout } = spawnSync(process.execPath, args, { cwd: app, encoding: 'utf8' });
      return status === 0 ? [] : [`${resolution.join(' ')}:\n${stdout}`];
    });
    return { subject: `${entries.length} entries with TypeScript ${version}`, problems };
  });
}
