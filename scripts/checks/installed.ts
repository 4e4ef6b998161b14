// As a user has it: the tarballs, installed by npm alone, work on every Node at hand, from ES modules and from require().
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { report } from '../report.ts';
import { packPackages } from '../workspace/pack.ts';
import { publishedPackages, publishedSubpaths, ROOT } from '../workspace/packages.ts';

/** Bytes that the command line may take when it is installed by itself, with all that comes with it. */
const MAX_PROGRAM_SIZE = 15_000_000;

const LAYER = 'gzip-level6.tar.gz';
const SPAN_SIZE = '65536';

const folder = mkdtempSync(join(tmpdir(), 'soci-installed-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
const packed = packPackages();
run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packed.map(({ tarball }) => tarball)]);

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

report(`@soci/cli installed by itself`, checkProgramSize());

/** The command line alone, in a folder of its own: its size, and that it runs. */
function checkProgramSize(): string[] {
  const tarball = packed.find(({ unit }) => unit.name === '@soci/cli')?.tarball ?? '';
  const alone = join(folder, 'alone');
  mkdirSync(alone);
  writeFileSync(join(alone, 'package.json'), '{ "private": true }\n');
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', alone, tarball]);
  const installed = readdirSync(join(alone, 'node_modules'), { recursive: true, withFileTypes: true });
  const bytes = installed
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  const program = join(alone, 'node_modules', '.bin', 'soci-index');
  const tooLarge = bytes > MAX_PROGRAM_SIZE ? [`it takes ${bytes} bytes: more than ${MAX_PROGRAM_SIZE}`] : [];
  return [...tooLarge, ...attempt(process.execPath, [program, '--version'], 'soci-index ')];
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
