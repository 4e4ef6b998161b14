// What a registry would get: publint and attw on the packed tarballs, and what they hold.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { report } from '../report.ts';
import { LEVELS } from '../workspace/levels.ts';
import { type PackedPackage, packPackages } from '../workspace/pack.ts';
import { type Manifest, publishedSubpaths, ROOT } from '../workspace/packages.ts';

for (const packed of packPackages()) {
  const { name } = packed.unit;
  report(`publint on the tarball of ${name}`, await lintPackage(packed));
  if (publishedSubpaths(packed.unit.manifest).length > 0) report(`attw on the tarball of ${name}`, checkTypes(packed));
  report(`contents of the tarball of ${name}`, checkContents(packed));
}

async function lintPackage({ tarball }: PackedPackage): Promise<string[]> {
  const bytes = readFileSync(tarball);
  const { messages, pkg } = await publint({ pack: { tarball: Uint8Array.from(bytes).buffer }, strict: true });
  return messages.flatMap((message) => formatMessage(message, pkg, { color: false }) ?? []);
}

function checkTypes({ tarball }: PackedPackage): string[] {
  const attw = join(ROOT, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
  const flags = ['--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [attw, tarball, ...flags], { encoding: 'utf8' });
  return status === 0 ? [] : [`${stdout}${stderr}`.trim()];
}

function checkContents({ unit, tarball }: PackedPackage): string[] {
  const files = readTar(gunzipSync(readFileSync(tarball)));
  const manifest = JSON.parse(files.get('package.json')?.toString() ?? '{}') as Manifest;
  const problems = ['LICENSE', 'README.md', 'package.json']
    .filter((name) => !files.has(name))
    .map((name) => `no ${name}`);
  const isBundled = LEVELS[unit.name]?.isBundled === true;
  if (isBundled) problems.push(...checkBundle(files, manifest));
  if (JSON.stringify(manifest.exports ?? {}).includes('@soci/source')) problems.push('its exports still name sources');
  for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (/^(workspace|catalog|link|file):/.test(range)) problems.push(`its dependency ${name} is ${range}`);
  }
  for (const name of files.keys()) {
    const source = join(ROOT, unit.folder, name.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts'));
    if (/\.test\.|(^|\/)fixtures\//.test(name)) problems.push(`${name} is of the tests`);
    if (name.startsWith('dist/') && name.endsWith('.js') && !isBundled && !existsSync(source)) {
      problems.push(`${name} has no source: remove ${unit.folder}/dist and build again`);
    }
  }
  return [...problems, ...danglingMaps(files)];
}

/** A bundle holds all that it needs, and the licenses of what it holds; it is the program and nothing else. */
function checkBundle(files: ReadonlyMap<string, Buffer>, { dependencies = {}, exports = {} }: Manifest): string[] {
  const needed = Object.keys(dependencies).map((name) => `it is bundled, and depends on ${name}`);
  const offered = Object.keys(exports).map((name) => `it is bundled, and exports ${name}`);
  const hasLicenses = [...files.keys()].some((name) => name.endsWith('THIRD-PARTY-LICENSES.txt'));
  return [...needed, ...offered, ...(hasLicenses ? [] : ['no licenses of what is bundled'])];
}

/** A source map or declaration map is of use only beside the sources that it names. */
function danglingMaps(files: ReadonlyMap<string, Buffer>): string[] {
  const maps = [...files].filter(([name]) => name.endsWith('.map'));
  const dangling = maps.filter(([name, bytes]) => {
    const { sources } = JSON.parse(bytes.toString()) as { sources: string[] };
    return sources.some((source) => !files.has(join(name, '..', source)));
  });
  return dangling[0] ? [`${dangling.length} maps name sources that are not in it, such as ${dangling[0][0]}`] : [];
}

/** The files of an npm tarball by name, without its `package/`: names of under 100 bytes, plain ustar. */
function readTar(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const field = (from: number, to: number) => tar.toString('latin1', at + from, at + to).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 136), 8);
    const [prefix, name] = [field(345, 500), field(0, 100)];
    files.set((prefix ? `${prefix}/${name}` : name).replace(/^package\//, ''), tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
