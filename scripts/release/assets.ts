import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { ReleasedPackage } from './publish.ts';
import { run } from './steps.ts';
import { writeTarball } from './tarball.ts';

/** Folder of the template and the functions' zips, as a bucket gets them. */
const STACK = 'cloudformation';

/**
 * Writes what is attached to a release: tarballs, the CloudFormation template with its zips, SBOMs, and checksums.
 *
 * @param folder - Where to write; replaced as a whole.
 * @param checkout - A checkout in which everything is built.
 * @returns Paths in `folder`.
 */
export async function writeAssets(
  folder: string,
  checkout: string,
  packages: readonly ReleasedPackage[],
): Promise<string[]> {
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  for (const { tarball } of packages) copyFileSync(tarball, join(unfinished, basename(tarball)));
  const command = join(checkout, 'apps', 'stack', 'dist', 'package.js');
  await run(process.execPath, [command, '--hash-names', join(unfinished, STACK)], { cwd: checkout });
  const stack = listFiles(join(unfinished, STACK)).map((name) => ({
    name,
    content: readFileSync(join(unfinished, STACK, name)),
    isExecutable: false,
  }));
  // Pages of a release take files, not folders.
  writeFileSync(join(unfinished, `${STACK}.tar.gz`), writeTarball(stack, `${STACK}/`));
  const bundles = join(checkout, 'packages', 'functions', 'dist', 'functions');
  for (const name of readdirSync(bundles).filter((file) => file.endsWith('.cdx.json'))) {
    copyFileSync(join(bundles, name), join(unfinished, name));
  }
  const files = listFiles(unfinished);
  const sums = files.map((name) => `${sha256(join(unfinished, name))}  ${name}\n`);
  writeFileSync(join(unfinished, 'SHA256SUMS'), sums.join(''));
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
  return [...files, 'SHA256SUMS'];
}

function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(folder, join(parentPath, name))).sort();
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
