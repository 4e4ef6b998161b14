// As a user has it: the tarballs, installed by npm alone, work on every Node at hand, from ES modules and from require().
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { report } from '../report.ts';
import { packPackages } from '../workspace/pack.ts';
import { publishedPackages, publishedSubpaths, ROOT } from '../workspace/packages.ts';

const LAYER = 'gzip-level6.tar.gz';
const SPAN_SIZE = '65536';

const folder = mkdtempSync(join(tmpdir(), 'soci-installed-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
const tarballs = packPackages().map(({ tarball }) => tarball);
run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs]);

const exported = publishedPackages().flatMap(({ name, manifest }) =>
  publishedSubpaths(manifest)
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => name + subpath.slice(1)),
);
for (const [version, node] of findNodes()) {
  report(`installed packages on Node ${version}`, [
    ...exported.flatMap((name) => attempt(node, ['--input-type=module', '-e', `await import('${name}')`])),
    ...exported.flatMap((name) => attempt(node, ['--input-type=commonjs', '-e', `require('${name}')`])),
    ...indexGoldenLayer(node),
  ]);
}

/** The command line makes of a golden layer the zTOC that the reference makes of it. */
function indexGoldenLayer(node: string): string[] {
  const golden = join(ROOT, 'conformance', 'golden');
  const expected = JSON.parse(readFileSync(join(golden, 'layers.json'), 'utf8'))[LAYER].ztocs[SPAN_SIZE]
    .digest as string;
  const program = join(folder, 'node_modules', '@soci', 'cli', 'bin', 'soci-index.js');
  const layer = join(golden, 'layers', LAYER);
  return attempt(node, [program, 'ztoc', 'create', layer, '--span-size', SPAN_SIZE, '--json'], expected);
}

/** Every Node on PATH, and the pinned one, by version: 20.19 is the oldest that the packages promise to run on. */
function findNodes(): Map<string, string> {
  const candidates = [process.execPath, ...(process.env.PATH ?? '').split(delimiter).map((path) => join(path, 'node'))];
  const versions = candidates
    .filter((path) => existsSync(path))
    .map((path): [string, string] => {
      return [spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.trim(), path];
    });
  return new Map(versions);
}

function attempt(node: string, args: readonly string[], expected = ''): string[] {
  const { status, stdout, stderr } = spawnSync(node, args, { cwd: folder, encoding: 'utf8' });
  if (status === 0 && stdout.includes(expected)) return [];
  return [`${args.join(' ')} ended with ${status}${expected && ` and without ${expected}`}:\n${stdout}${stderr}`];
}

function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}
