import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { languageProblems } from '../jsii/language-packages.ts';
import { pnpm, ROOT } from '../setup.mjs';
import { makeTemporaryFolder, publishedPackages } from '../workspace/packages.ts';
import { ASSETS, hasAssets, keepAssets, listFiles, standaloneProblem, writeAssets } from './assets.ts';
import { cachedTools, installLocalRegistry, startLocalRegistry } from './local-registry.ts';
import { readRootManifest, unsetFields } from './manifest.ts';
import { compareWithRegistry, inUploadOrder, isLoopback, type ReleasedPackage, registryOf, upload } from './publish.ts';
import { git, type RunOptions, run, step } from './steps.ts';
import { readTarball } from './tarball.ts';
import { tryPackages } from './try-packages.ts';

const SCOPE = '@soci';

/**
 * Does all of a release but the upload: versions, changelogs, build, pack; publishes to an npm registry on loopback, installs from
 * there, and runs the READMEs' examples. Works on a clone of HEAD: the working tree does not change.
 */
export async function dryRun(): Promise<void> {
  for (const { field, command } of unsetFields(readRootManifest())) {
    console.log(`not set in package.json: ${field}. A release needs it: ${command}`);
  }
  if (await isDirty()) console.log('the dry run is of HEAD, without the uncommitted changes');
  const scratch = makeTemporaryFolder('release');
  const checkout = await cloneHead(scratch);
  if (pendingChangesets(checkout).length > 0) {
    await step('versions and changelogs', async () => {
      await run('npx', pnpm('exec', 'changeset', 'version'), { cwd: checkout });
      await run(process.execPath, [join('scripts', 'release', 'write-versions.mjs')], { cwd: checkout });
    });
  }
  const packages = await buildTarballs(checkout);
  const problems = await assetProblems(checkout);
  for (const problem of problems) console.log(`the assets will not be complete: ${problem}`);
  await step('installing a local npm registry', installLocalRegistry);
  const registry = await step('starting the local npm registry', () =>
    startLocalRegistry(join(scratch, 'registry'), SCOPE),
  );
  let examples: number;
  try {
    writeFileSync(join(scratch, '.npmrc'), registry.npmrc);
    const where = { cwd: scratch };
    await upload(packages, await registryOf(SCOPE, where), where);
    const names = packages.map(({ name }) => name);
    examples = await tryPackages({ folder: join(scratch, 'projects'), checkout, names, npmrc: registry.npmrc });
  } finally {
    await registry.stop();
  }
  await step('writing release assets', () => writeAssets(ASSETS, checkout, packages));
  if (problems.length === 0) await keepAssets(checkout);
  summarize(packages);
  await step('validating SBOMs', () => validateSboms(ASSETS));
  console.log(`${examples} passed, 0 failed`);
}

/**
 * Publishes HEAD: uploads the packages whose versions are not yet on the npm registry, tags them, and writes the assets.
 *
 * @throws Error, before anything is uploaded, if a problem prevents the release.
 */
export async function release(): Promise<void> {
  const problems = await findProblems();
  if (problems.length > 0) throw new Error(`cannot release; nothing was uploaded.\n  ${problems.join('\n  ')}`);

  const where = { cwd: ROOT };
  const { packages, finish } = await findOrBuild();
  const untagged = await untaggedPackages(packages);
  const registry = await registryOf(SCOPE, where);
  const absent = await step(`comparing with ${registry.host}`, () => findAbsent(untagged, where));
  await finish();
  await upload(absent, registry, where).catch((error: Error) => {
    throw new Error(
      `${error.message}\nThe release is incomplete. Run it again: it uploads what the registry does not have.`,
    );
  });
  summarize(packages);
  for (const unit of untagged) {
    await git(ROOT, 'tag', tagOf(unit));
    // changesets/action reads these lines.
    console.log(`New tag: ${tagOf(unit)}`);
  }
  if (!isLoopback(registry)) console.log('Push the tags: git push --tags');
}

/** Returns the problems that prevent a release, each with what to do. */
async function findProblems(): Promise<string[]> {
  const problems = unsetFields(readRootManifest()).map(
    ({ field, command }) => `"${field}" of package.json is not set. Run "${command}" and commit it.`,
  );
  if (await isDirty()) {
    problems.push('The working tree has uncommitted changes. Commit or stash them: a release is made from a commit.');
  }
  const pending = pendingChangesets(ROOT);
  if (pending.length > 0) {
    problems.push(
      `Changesets are pending: ${pending.join(', ')}. Merge the version pull request, then release its commit.`,
    );
  } else if ((await untaggedPackages(publishedPackages().map(({ manifest }) => manifest))).length === 0) {
    problems.push(
      'No changeset: every version has a tag, so it is released already. Run "npm run changeset" for a new version.',
    );
  }
  return problems;
}

/** Returns the packages that the registry does not have. @throws Error if it has another package under the same version. */
async function findAbsent(packages: readonly ReleasedPackage[], where: RunOptions): Promise<ReleasedPackage[]> {
  const states = await Promise.all(packages.map((unit) => compareWithRegistry(unit, where)));
  const conflicts = packages.filter((_, i) => states[i] === 'different').map(tagOf);
  if (conflicts.length > 0) {
    throw new Error(
      `cannot release; nothing was uploaded.\n  The npm registry has other content as ${conflicts.join(', ')}. ` +
        'Run "npm run changeset" for a new version. If the version was released before, fetch its tag: "git fetch --tags".',
    );
  }
  return packages.filter((_, i) => states[i] === 'absent');
}

const tagOf = ({ name, version }: { readonly name: string; readonly version: string }) => `${name}@${version}`;

/** Returns the packages without a tag. A tag is written when the whole version has been released. */
async function untaggedPackages<T extends { readonly name: string; readonly version: string }>(
  packages: readonly T[],
): Promise<T[]> {
  const tags = new Set((await git(ROOT, 'tag', '--list')).split('\n'));
  return packages.filter((unit) => !tags.has(tagOf(unit)));
}

async function isDirty(): Promise<boolean> {
  return (await git(ROOT, 'status', '--porcelain')) !== '';
}

function pendingChangesets(checkout: string): string[] {
  return readdirSync(join(checkout, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md');
}

/** Clones HEAD, so that nothing but what is committed is in a release, and installs its dependencies. */
async function cloneHead(scratch: string): Promise<string> {
  const checkout = join(scratch, 'checkout');
  await step('cloning HEAD', async () => {
    // The process that reads ROOT for the clone does not inherit the options of git, and ROOT may belong to another user.
    const config = join(scratch, 'gitconfig');
    writeFileSync(config, '[safe]\n\tdirectory = *\n');
    const env = { GIT_CONFIG_GLOBAL: config };
    await run('git', ['clone', '--quiet', '--no-tags', ROOT, checkout], { cwd: scratch, env });
    await git(checkout, 'checkout', '--quiet', '--detach', await git(ROOT, 'rev-parse', 'HEAD'));
  });
  await step('installing dependencies', () => run('npx', pnpm('install', '--frozen-lockfile'), { cwd: checkout }));
  return checkout;
}

/** The packages of a release, and a function that writes its assets. */
interface Built {
  readonly packages: readonly ReleasedPackage[];
  finish(): Promise<void>;
}

/**
 * Builds the packages of HEAD. If an earlier run wrote all assets of HEAD, uses its packages, so that a release that continues has
 * the same bytes.
 */
async function findOrBuild(): Promise<Built> {
  if (await hasAssets()) {
    console.log(`${relative(ROOT, ASSETS)} has the packages and assets of this commit`);
    return { packages: packagesIn(ASSETS), finish: async () => {} };
  }
  const checkout = await cloneHead(makeTemporaryFolder('release'));
  const packages = await buildTarballs(checkout);
  const [problem] = await assetProblems(checkout);
  if (problem !== undefined)
    throw new Error(`cannot release; nothing was uploaded.\n  Cannot build all assets: ${problem}`);
  const finish = async () => {
    await step('writing release assets', () => writeAssets(ASSETS, checkout, packages));
    await keepAssets(checkout);
  };
  return { packages, finish };
}

/** Returns what this machine cannot build, with the remedy. */
async function assetProblems(checkout: string): Promise<string[]> {
  return [(await standaloneProblem(checkout)) ?? [], await languageProblems()].flat();
}

/** Builds and packs a checkout by `npm run pack`, and returns its packages in the order of the upload. */
async function buildTarballs(checkout: string): Promise<ReleasedPackage[]> {
  await step('building and packing', () => run('npm', ['run', 'pack'], { cwd: checkout }));
  return packagesIn(join(checkout, 'dist-packages'));
}

/** Returns the npm packages in a folder, in the order of the upload. */
function packagesIn(folder: string): ReleasedPackage[] {
  const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  const packages = tarballs.map((file) => {
    const tarball = join(folder, file);
    const manifest = readTarball(readFileSync(tarball)).find(({ name }) => name === 'package.json');
    const { name, version } = JSON.parse(manifest?.content.toString() ?? '{}') as ReleasedPackage;
    return { name, version, tarball };
  });
  return inUploadOrder(packages);
}

/** Prints what is in the release. */
function summarize(packages: readonly ReleasedPackage[]): void {
  console.log('\nPackages:');
  for (const { name, version, tarball } of packages) {
    console.log(`  ${`${name}@${version}`.padEnd(28)}${(statSync(tarball).size / 1000).toFixed(1).padStart(8)} kB`);
  }
  console.log(`\nAssets in ${relative(ROOT, ASSETS)}:`);
  for (const name of listFiles(ASSETS).filter((file) => !file.startsWith('.'))) {
    console.log(`  ${(statSync(join(ASSETS, name)).size / 1000).toFixed(1).padStart(8)} kB  ${name}`);
  }
  console.log();
}

/** CycloneDX's own library, with the schema, and what it needs to validate. */
const LIBRARY = '@cyclonedx/cyclonedx-library';
const PACKAGES = [`${LIBRARY}@10.3.0`, 'ajv@8.20.0', 'ajv-formats@3.0.1', 'ajv-formats-draft2019@1.6.1'];

interface CycloneDx {
  readonly Spec: { readonly Version: { readonly v1dot6: string } };
  readonly Validation: {
    readonly JsonStrictValidator: new (version: string) => { validate(json: string): Promise<unknown> };
  };
}

/**
 * Validates the SBOMs of a folder against the schema of CycloneDX 1.6.
 *
 * @throws Error if one is not valid, or if the folder has no SBOM.
 */
async function validateSboms(folder: string): Promise<void> {
  const modules = await cachedTools('cyclonedx-10.3.0', PACKAGES);
  const { Spec, Validation } = createRequire(join(modules, 'tools.cjs'))(LIBRARY) as CycloneDx;
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  const files = readdirSync(folder).filter((name) => name.endsWith('.cdx.json'));
  if (files.length === 0) throw new Error(`${folder} has no SBOM`);
  for (const file of files) {
    const problem = await validator.validate(readFileSync(join(folder, file), 'utf8'));
    if (problem !== null) throw new Error(`${file} is not a valid SBOM: ${JSON.stringify(problem)}`);
  }
}
