import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { findRuntime } from '@soci/test-runtime';
import { CACHE, cached, gzipOf } from '../data.ts';
import { hashOf, type LayerFile, writeLayout } from '../generate-image.ts';
import type { Workload } from './plan.ts';

/** Debian's essential packages, and certificates. apt adds their dependencies; `usr-is-merged` saves Perl. */
const BASE_PACKAGES =
  'apt base-files base-passwd bash bsdutils ca-certificates coreutils dash debianutils diffutils dpkg findutils grep gzip hostname init-system-helpers libc-bin login ncurses-base ncurses-bin perl-base sed sysvinit-utils tar usr-is-merged util-linux'.split(
    ' ',
  );

/** Versions are fixed, so that the layers have the same contents on every machine. */
const WHEELS =
  'numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 pyarrow==26.0.1 scikit-learn==1.9.1 matplotlib==3.11.2 polars==2.1.0'.split(
    ' ',
  );
const NPM_PACKAGES =
  'typescript@5.9.3 aws-cdk-lib@2.276.0 lodash@4.18.1 date-fns@4.4.0 rxjs@7.8.2 @types/node@26.6.7'.split(' ');

const FOLDER = join(CACHE, 'runtime-images');

const ENVIRONMENT = ['PATH=/usr/local/bin:/usr/bin:/bin', 'PYTHONDONTWRITEBYTECODE=1'];

/** Folder of the profiles of the workloads. */
export const PROFILES = join(CACHE, 'runtime-profiles');
const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** What a workload runs in: Debian with Python, Node.js and many of their packages; or Debian with a static Go program. */
export type RuntimeImage = 'app' | 'go';

/**
 * Returns an OCI layout with the image of a workload, tagged `latest`. It is created once from public packages, without Docker.
 * The configuration names the command of the workload. Images of the same kind have the same layers.
 *
 * @throws {Error} If `apt-get`, `dpkg-deb`, `pip`, `npm` or a download fails.
 */
export async function imageOf({ name, image, command }: Workload): Promise<string> {
  const target = join(FOLDER, `image-${name}`);
  if (existsSync(target)) return target;
  const archives = await archivesOf(image);
  return writeLayout(target, await Promise.all(archives.map(compressed)), { Env: ENVIRONMENT, Cmd: command });
}

/** Returns an OCI layout like {@link imageOf}, with the same files in one layer. */
export async function imageInOneLayer({ name, image, command }: Workload): Promise<string> {
  const target = join(FOLDER, `image-${name}-one-layer`);
  if (existsSync(target)) return target;
  const archive = await cached(`runtime-images/${image}.tar`, async (part) => {
    const [first, ...others] = await archivesOf(image);
    copyFileSync(first, part);
    for (const other of others) run('tar', ['--concatenate', '--file', part, other]);
  });
  return writeLayout(target, [await compressed(archive)], { Env: ENVIRONMENT, Cmd: command });
}

/** Returns the archives of the layers of an image, base layer first. */
async function archivesOf(image: RuntimeImage): Promise<readonly [string, ...string[]]> {
  const base = await archiveOf('base', (tree) => unpack(debianPackages('base', BASE_PACKAGES), tree));
  return image === 'app'
    ? [
        base,
        await archiveOf('python', addPython),
        await archiveOf('wheels', addWheels),
        await archiveOf('node', addNode),
      ]
    : [base, await archiveOf('go', addGoProgram)];
}

function addPython(tree: string): void {
  const base = new Set(readdirSync(downloadFolder('base')));
  const packages = debianPackages('python', ['python3', 'python3-pip', 'python3-venv', 'usr-is-merged']);
  unpack(
    packages.filter((path) => !base.has(basename(path))),
    tree,
  );
}

function addWheels(tree: string): void {
  const version = pythonVersion();
  const machine = MACHINES[process.arch] ?? process.arch;
  const platforms = ['manylinux_2_28', 'manylinux2014', 'manylinux_2_17'].flatMap((tag) => [
    '--platform',
    `${tag}_${machine}`,
  ]);
  const target = join(tree, `usr/local/lib/python${version}/dist-packages`);
  const options = ['--quiet', '--no-compile', '--no-cache-dir', '--only-binary=:all:', '--python-version', version];
  run('python3', ['-m', 'pip', 'install', ...options, ...platforms, '--target', target, ...WHEELS]);
}

function addNode(tree: string): void {
  mkdirSync(join(tree, 'usr/local/bin'), { recursive: true });
  copyFileSync(process.execPath, join(tree, 'usr/local/bin/node'));
  chmodSync(join(tree, 'usr/local/bin/node'), 0o755);
  const app = join(tree, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{"name":"app","version":"1.0.0","private":true}\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', ['install', ...options, ...NPM_PACKAGES], { cwd: app });
}

/** Adds containerd, which the harness of the runtime builds as a static program. */
async function addGoProgram(tree: string): Promise<void> {
  const runtime = await findRuntime();
  if (runtime.outcome === 'unavailable') throw new Error(`cannot create an image: ${runtime.reason}`);
  mkdirSync(join(tree, 'usr/local/bin'), { recursive: true });
  copyFileSync(join(runtime.programs.containerdFolder, 'containerd'), join(tree, 'usr/local/bin/containerd'));
}

/** Returns an archive of the files that `add` puts into a folder. */
async function archiveOf(name: string, add: (tree: string) => void | Promise<void>): Promise<string> {
  const archive = join(FOLDER, `${name}.tar`);
  if (!existsSync(archive)) {
    process.stderr.write(`creating the layer ${name}\n`);
    const tree = join(FOLDER, `${name}.tree`);
    rmSync(tree, { recursive: true, force: true });
    mkdirSync(tree, { recursive: true });
    await add(tree);
    const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mtime=@1704067200', '--sort=name'];
    const format = ['--format=pax', '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime'];
    run('tar', ['-C', tree, ...owner, ...format, '-cf', `${archive}.part`, '.']);
    rmSync(tree, { recursive: true });
    renameSync(`${archive}.part`, archive);
  }
  return archive;
}

/** Returns the layer of an archive. */
async function compressed(archive: string): Promise<LayerFile> {
  return { blob: await gzipOf(archive), diffId: `sha256:${await hashOf(archive)}` };
}

const downloadFolder = (name: string) => join(FOLDER, `${name}.debs`);

/** Downloads Debian packages and their dependencies. Pretends that nothing is installed, so that apt leaves none out. */
function debianPackages(name: string, packages: readonly string[]): string[] {
  const folder = downloadFolder(name);
  mkdirSync(join(folder, 'partial'), { recursive: true });
  const status = join(FOLDER, 'status');
  writeFileSync(status, '');
  const settings = [`Dir::State::status=${status}`, `Dir::Cache::archives=${folder}`, 'Debug::NoLocking=1'];
  const options = ['-qq', '--yes', '--no-install-recommends', '--download-only'];
  run('apt-get', [...settings.flatMap((setting) => ['-o', setting]), ...options, 'install', ...packages]);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => join(folder, file));
}

/** Unpacks packages. What they have in `/bin`, `/sbin` or `/lib` goes to `/usr`, as in every current Debian. */
function unpack(archives: readonly string[], tree: string): void {
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(tree, 'usr', folder), { recursive: true });
    symlinkSync(`usr/${folder}`, join(tree, folder));
  }
  for (const archive of archives) {
    // A shell, because the archive is a stream between two programs. The words are not part of the script.
    const script = 'dpkg-deb --fsys-tarfile "$1" | tar --keep-directory-symlink -xf - -C "$2"';
    run('sh', ['-c', script, 'sh', archive, tree]);
  }
}

function pythonVersion(): string {
  const names = readdirSync(downloadFolder('python'));
  const version = names.map((name) => /^libpython(3\.\d+)-stdlib_/.exec(name)?.[1]).find((found) => found);
  if (version === undefined) throw new Error('the Debian package python3 does not depend on libpython3.N-stdlib');
  return version;
}

function run(program: string, words: readonly string[], options: ExecFileSyncOptions = {}): void {
  try {
    execFileSync(program, words, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`cannot create an image: ${message}. Requirements: bench/README.md`, { cause });
  }
}
