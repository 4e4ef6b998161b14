import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { languageProblems } from '../jsii/language-packages.ts';
import { pnpm, ROOT } from '../setup.mjs';
import { makeTemporaryFolder, publishedPackages } from '../workspace/packages.ts';
import { standaloneProblem, writeAssets } from './assets.ts';
import { installLocalRegistry, startLocalRegistry } from './local-registry.ts';
import { readRootManifest, unsetFields } from './manifest.ts';
import { compareWithRegistry, inUploadOrder, isLoopback, type ReleasedPackage, registryOf, upload } from './publish.ts';
import { git, type RunOptions, run, step } from './steps.ts';
import { readTarball } from './tarball.ts';
import { tryPackages } from './try-packages.ts';
import { validateSboms } from './validate-sboms.ts';

const SCOPE = '@soci';
/** Where the assets of a release are written. */
const ASSETS = join(ROOT, 'dist-release');

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
  const problem = await standaloneProblem(checkout);
  if (problem !== undefined) console.log(`the assets will lack the executable and the container image: ${problem}`);
  for (const each of await languageProblems()) console.log(`the assets will lack a package: ${each}`);
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
  await summarize(checkout, packages);
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
  const scratch = makeTemporaryFolder('release');
  const checkout = await cloneHead(scratch);
  const packages = await buildTarballs(checkout);
  const [problem] = [(await standaloneProblem(checkout)) ?? [], await languageProblems()].flat();
  if (problem !== undefined)
    throw new Error(`cannot release; nothing was uploaded.\n  Cannot build all assets: ${problem}`);
  const untagged = await untaggedPackages(packages);
  const registry = await registryOf(SCOPE, where);
  const absent = await step(`comparing with ${registry.host}`, () => findAbsent(untagged, where));
  await upload(absent, registry, where).catch((error: Error) => {
    throw new Error(
      `${error.message}\nThe release is incomplete. Run it again: it uploads what the registry does not have.`,
    );
  });
  await summarize(checkout, packages);
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

/** Builds and packs a checkout by `npm run pack`, and returns its packages in the order of the upload. */
async function buildTarballs(checkout: string): Promise<ReleasedPackage[]> {
  await step('building and packing', () => run('npm', ['run', 'pack'], { cwd: checkout }));
  const folder = join(checkout, 'dist-packages');
  const packages = readdirSync(folder).map((file) => {
    const tarball = join(folder, file);
    const manifest = readTarball(readFileSync(tarball)).find(({ name }) => name === 'package.json');
    const { name, version } = JSON.parse(manifest?.content.toString() ?? '{}') as ReleasedPackage;
    return { name, version, tarball };
  });
  return inUploadOrder(packages);
}

/** Writes the assets and prints what is in the release. */
async function summarize(checkout: string, packages: readonly ReleasedPackage[]): Promise<void> {
  const assets = await step('writing release assets', () => writeAssets(ASSETS, checkout, packages));
  console.log('\nPackages:');
  for (const { name, version, tarball } of packages) {
    console.log(`  ${`${name}@${version}`.padEnd(28)}${(statSync(tarball).size / 1000).toFixed(1).padStart(8)} kB`);
  }
  console.log(`\nAssets in ${relative(ROOT, ASSETS)}:`);
  for (const name of assets) {
    console.log(`  ${(statSync(join(ASSETS, name)).size / 1000).toFixed(1).padStart(8)} kB  ${name}`);
  }
  console.log();
}
