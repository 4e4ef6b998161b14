// Checks of a release: changesets, tarballs, install scripts, size of the browser bundle.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { type PackedPackage, packPackages } from '../release/pack.ts';
import { readTarball } from '../release/tarball.ts';
import { LEVELS } from '../workspace/levels.ts';
import {
  type Finding,
  listFiles,
  type Manifest,
  publishedPackages,
  publishedSubpaths,
  ROOT,
  readManifest,
  type WorkspacePackage,
} from '../workspace/packages.ts';

/**
 * Maximum size of @soci/ztoc in a web page, in bytes: its entry point, bundled for browsers, minified and gzipped. 8 KiB of it
 * are the kernels in WebAssembly: see decision 062.
 */
const MAX_BUNDLE_SIZE = 46 * 1024;

/** Maximum size of the tarball of @soci/construct, in bytes. Most of it is the functions: see decision 021. */
const MAX_CONSTRUCT_SIZE = 680_000;

/** Checks the packed tarballs with publint and attw, and checks their contents. */
export async function tarballs(): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const packed of packPackages()) {
    const { name, manifest } = packed.unit;
    findings.push({ subject: `publint on the tarball of ${name}`, problems: await lintPackage(packed) });
    if (publishedSubpaths(manifest).length > 0)
      findings.push({ subject: `attw on the tarball of ${name}`, problems: checkTypes(packed) });
    findings.push({ subject: `contents of the tarball of ${name}`, problems: checkContents(packed) });
  }
  return findings;
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
  const packed = readFileSync(tarball);
  const files = new Map(readTarball(packed).map(({ name, content }) => [name, content]));
  const manifest = JSON.parse(files.get('package.json')?.toString() ?? '{}') as Manifest;
  const problems = ['LICENSE', 'README.md', 'package.json']
    .filter((name) => !files.has(name))
    .map((name) => `no ${name}`);
  const isBundled = LEVELS[unit.name]?.isBundled === true;
  if (isBundled) problems.push(...checkBundle(files, manifest));
  if (unit.name === '@soci/construct' && packed.length > MAX_CONSTRUCT_SIZE)
    problems.push(`${packed.length} bytes exceed the limit of ${MAX_CONSTRUCT_SIZE}`);
  if (JSON.stringify(manifest.exports ?? {}).includes('@soci/source'))
    problems.push('its exports contain the condition @soci/source');
  for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (/^(workspace|catalog|link|file):/.test(range)) problems.push(`its dependency ${name} has the range ${range}`);
  }
  for (const name of files.keys()) {
    const source = join(ROOT, unit.folder, name.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts'));
    if (/\.test\.|(^|\/)fixtures\//.test(name)) problems.push(`${name} is a test file`);
    if (name.startsWith('dist/') && name.endsWith('.js') && !isBundled && !existsSync(source)) {
      problems.push(
        `${name} has no source. Remove ${unit.folder}/dist and run "npm run pnpm -- exec turbo run build --force".`,
      );
    }
  }
  return [...problems, ...danglingMaps(files)];
}

/** Checks that a bundle has no dependencies and no exports, and contains the licenses of the bundled packages. */
function checkBundle(files: ReadonlyMap<string, Buffer>, { dependencies = {}, exports = {} }: Manifest): string[] {
  const needed = Object.keys(dependencies).map((name) => `a bundle must not depend on ${name}`);
  const offered = Object.keys(exports).map((name) => `a bundle must not export ${name}`);
  const hasLicenses = [...files.keys()].some((name) => name.endsWith('THIRD-PARTY-LICENSES.txt'));
  return [...needed, ...offered, ...(hasLicenses ? [] : ['no THIRD-PARTY-LICENSES.txt'])];
}

/** Finds source maps and declaration maps whose sources are not in the tarball. */
function danglingMaps(files: ReadonlyMap<string, Buffer>): string[] {
  const maps = [...files].filter(([name]) => name.endsWith('.map'));
  const dangling = maps.filter(([name, bytes]) => {
    const { sources } = JSON.parse(bytes.toString()) as { sources: string[] };
    return sources.some((source) => !files.has(join(name, '..', source)));
  });
  return dangling[0] ? [`${dangling.length} maps refer to missing sources, such as ${dangling[0][0]}`] : [];
}

/** Checks that every published package has a release or a changeset, and that every changeset is valid. */
export function changesets(): Finding[] {
  const published = publishedPackages();
  const names = new Set(published.map(({ name }) => name));
  const waiting = listFiles('.changeset', ['.md'])
    .filter((path) => !path.endsWith('README.md'))
    .map((path) => ({ path, ...parseChangeset(readFileSync(join(ROOT, path), 'utf8')) }));

  const problems = waiting.flatMap(({ path, bumps, summary }) => [
    ...[...bumps.keys()]
      .filter((name) => !names.has(name))
      .map((name) => `${path} names ${name}, which is not published`),
    ...(bumps.size === 0 ? [`${path} names no package`] : []),
    ...(summary === '' ? [`${path} has no summary`] : []),
  ]);
  for (const { name, folder, manifest } of published) {
    const isReleased = manifest.version !== '0.0.0' && existsSync(join(ROOT, folder, 'CHANGELOG.md'));
    if (!isReleased && !waiting.some(({ bumps }) => bumps.has(name))) {
      problems.push(`${name} has neither a release nor a changeset. Run "npm run changeset".`);
    }
  }
  const bumped = new Set(waiting.flatMap(({ bumps }) => [...bumps.keys()]));
  problems.push(...missingBundles(published, bumped));
  return [{ subject: `changesets, ${waiting.length} waiting`, problems }, exampleVersions()];
}

/** Lists bundles without a changeset although their contents have one. Changesets ignore bundled packages. */
function missingBundles(published: readonly WorkspacePackage[], bumped: ReadonlySet<string>): string[] {
  return published.flatMap(({ name, manifest }) => {
    const contents = [...bundledPackages(name, manifest.dependencies)].filter((content) => bumped.has(content));
    if (bumped.has(name) || contents.length === 0) return [];
    return [`${name} contains ${contents.join(', ')}: add "'${name}': patch" to a changeset`];
  });
}

/** Returns the packages of the workspace whose code is in a package, directly or through others. */
function bundledPackages(name: string, dependencies: Readonly<Record<string, string>> = {}): Set<string> {
  const direct = LEVELS[name]?.packages ?? [];
  const contents = new Set(direct.filter((content) => !(content in dependencies)));
  for (const content of contents) for (const each of LEVELS[content]?.packages ?? []) contents.add(each);
  return contents;
}

/** Version that a package gets by its first release: before it, manifests have 0.0.0. */
const FIRST_VERSION = '0.1.0';

/** Files of examples in other languages, and the text in them that has the version of the construct. */
const OTHER_EXAMPLES = [
  ['examples/cdk-app-python/requirements.txt', 'soci-construct~=VERSION\n'],
  ['examples/cdk-app-java/pom.xml', '<soci.version>VERSION</soci.version>'],
] as const;

/** Examples install the current version of the construct. */
function exampleVersions(): Finding {
  const versions = new Map(publishedPackages().map(({ name, manifest }) => [name, manifest.version]));
  const manifests = listFiles('examples', ['package.json']);
  const problems = manifests.flatMap((path) =>
    Object.entries(readManifest(join(ROOT, path, '..')).dependencies ?? {}).flatMap(([name, range]) => {
      const version = versions.get(name);
      const expected = `^${version === '0.0.0' ? FIRST_VERSION : version}`;
      return version === undefined || range === expected ? [] : [`${path} has ${name} ${range}, not ${expected}`];
    }),
  );
  for (const [path, text] of OTHER_EXAMPLES) {
    const current = versions.get('@soci/construct');
    const expected = text.replace('VERSION', current === undefined || current === '0.0.0' ? FIRST_VERSION : current);
    if (!readFileSync(join(ROOT, path), 'utf8').includes(expected)) problems.push(`${path} has not "${expected}"`);
  }
  return { subject: `versions in ${manifests.length + OTHER_EXAMPLES.length} examples`, problems };
}

/** Parses a changeset: packages and bumps from the front matter, and the text after it. */
function parseChangeset(text: string): { bumps: Map<string, string>; summary: string } {
  const [, head = '', body = ''] = /^---\n([\s\S]*?)\n?---\n([\s\S]*)$/.exec(text) ?? [];
  const lines = [...head.matchAll(/^['"]?(@?[\w./-]+)['"]?:\s*(patch|minor|major)$/gm)];
  return { bumps: new Map(lines.map(([, name, bump]) => [name as string, bump as string])), summary: body.trim() };
}

/** Scripts that npm runs at installation. `prepare` runs only in a checkout, not for packages from a registry. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/** Checks that no published package and none of its dependencies runs code at installation. */
export function installScripts(): Finding[] {
  return publishedPackages().map(({ name, folder }) => {
    const installed = installedFolders(join(ROOT, folder));
    const subject = `no install script in ${name} and its ${installed.size - 1} dependencies`;
    return { subject, problems: [...installed].flatMap(installScriptsOf) };
  });
}

function installScriptsOf(folder: string): string[] {
  const { name, version, scripts = {} } = readManifest(folder);
  const present = INSTALL_SCRIPTS.filter((script) => script in scripts);
  const native = existsSync(join(folder, 'binding.gyp')) ? ['binding.gyp, which npm builds at installation'] : [];
  return [...present, ...native].map((script) => `${name}@${version} has ${script}`);
}

/** Returns the folders of a package and of all its installed dependencies. */
function installedFolders(folder: string, seen = new Set<string>()): Set<string> {
  if (seen.has(folder)) return seen;
  seen.add(folder);
  const { dependencies = {}, optionalDependencies = {} } = readManifest(folder);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const found = findPackage(name, folder);
    if (found !== null) installedFolders(found, seen);
    else if (!(name in optionalDependencies)) throw new Error(`${name}, a dependency of ${folder}, is not installed`);
  }
  return seen;
}

function findPackage(name: string, from: string): string | null {
  const lookup = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  const found = lookup.map((path) => join(path, name)).find((path) => existsSync(join(path, 'package.json')));
  return found === undefined ? null : realpathSync(found);
}

/** Checks the size of @soci/ztoc in a web page. */
export async function bundleSize(): Promise<Finding[]> {
  const { outputFiles, errors } = await build({
    entryPoints: ['packages/ztoc/src/index.ts'],
    absWorkingDir: ROOT,
    conditions: ['@soci/source'],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  }).catch((error: { errors: { text: string }[] }) => ({ outputFiles: [], errors: error.errors }));

  const bytes = outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
  const problems = errors.map(({ text }) => text);
  if (bytes > MAX_BUNDLE_SIZE) problems.push(`${bytes} bytes exceed the limit of ${MAX_BUNDLE_SIZE}`);
  const size = `${(bytes / 1024).toFixed(1)} of ${MAX_BUNDLE_SIZE / 1024} KiB gzipped`;
  return [{ subject: `browser bundle of @soci/ztoc, ${size}`, problems }];
}
