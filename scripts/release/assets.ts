import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { ROOT } from '../setup.mjs';
import { readRootManifest } from './manifest.ts';
import { releaseNotes } from './notes.ts';
import type { ReleasedPackage } from './publish.ts';
import { git, run } from './steps.ts';
import { writeTarball } from './tarball.ts';

/** Where the assets of a release are written. */
export const ASSETS: string = join(ROOT, 'dist-release');

/** File in {@link ASSETS} with the commit that they were built from. A hidden file is not attached to a release. */
const COMMIT = join(ASSETS, '.commit');

/** Folder of the template and the functions' zips, as a bucket gets them. */
const STACK = 'cloudformation';

/** Notes of the release, which are shown on its page and not attached. */
const NOTES = 'NOTES.md';

/** Records that {@link ASSETS} are all assets of a checkout. HEAD of this repository may have moved since it was cloned. */
export async function keepAssets(checkout: string): Promise<void> {
  writeFileSync(COMMIT, await git(checkout, 'rev-parse', 'HEAD'));
}

/** Reports whether {@link ASSETS} are all assets of HEAD, and nothing is uncommitted. */
export async function hasAssets(): Promise<boolean> {
  if (!existsSync(COMMIT) || (await git(ROOT, 'status', '--porcelain')) !== '') return false;
  return readFileSync(COMMIT, 'utf8') === (await git(ROOT, 'rev-parse', 'HEAD'));
}

/** Program that builds the executable and the container image of the command line. */
const STANDALONE = join('apps', 'standalone', 'dist', 'main.js');

/** Returns why this machine cannot build the executable and the image, and the remedy. Undefined if it can. */
export async function standaloneProblem(checkout: string): Promise<string | undefined> {
  const problem = await run(process.execPath, [STANDALONE, '--check'], { cwd: checkout });
  return problem.trim() || undefined;
}

/**
 * Writes what is attached to a release: tarballs, the packages for other languages, the CloudFormation template with its zips, the
 * executable and the container image of the command line, SBOMs, and checksums. Also writes the notes of the release. Omits what
 * this machine cannot build.
 *
 * @param folder - Where to write; replaced as a whole.
 * @param checkout - A checkout in which everything is built.
 */
export async function writeAssets(
  folder: string,
  checkout: string,
  packages: readonly ReleasedPackage[],
): Promise<void> {
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  for (const { tarball } of packages) copyFileSync(tarball, join(unfinished, basename(tarball)));
  const construct = packages.find(({ name }) => name === '@soci/construct')?.tarball ?? '';
  const languages = ['--conditions=@soci/source', join(checkout, 'scripts', 'jsii', 'main.ts'), construct, unfinished];
  await run(process.execPath, languages, { cwd: checkout });
  const command = join(checkout, 'apps', 'stack', 'dist', 'package.js');
  await run(process.execPath, [command, '--hash-names', join(unfinished, STACK)], { cwd: checkout });
  const stack = listFiles(join(unfinished, STACK)).map((name) => ({
    name,
    content: readFileSync(join(unfinished, STACK, name)),
    isExecutable: name.endsWith('.sh'),
  }));
  // Pages of a release take files, not folders.
  writeFileSync(join(unfinished, `${STACK}.tar.gz`), writeTarball(stack, `${STACK}/`));
  const bundles = join(checkout, 'packages', 'functions', 'dist', 'functions');
  for (const name of readdirSync(bundles).filter((file) => file.endsWith('.cdx.json'))) {
    copyFileSync(join(bundles, name), join(unfinished, name));
  }
  if ((await standaloneProblem(checkout)) === undefined) {
    await run(process.execPath, [STANDALONE, unfinished], { cwd: checkout });
  }
  const files = listFiles(unfinished);
  const sums = files.map((name) => `${sha256(join(unfinished, name))}  ${name}\n`);
  writeFileSync(join(unfinished, 'SHA256SUMS'), sums.join(''));
  writeFileSync(join(unfinished, NOTES), releaseNotes(packages, readRootManifest(checkout)));
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
}

/** Returns the paths of all files below a folder, relative to it. */
export function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(folder, join(parentPath, name))).sort();
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
