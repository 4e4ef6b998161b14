// `npm run standalone [-- FOLDER]`: writes the executable and the container image of the command line.
// `--check`: prints why this machine cannot build them. Prints nothing if it can.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { sha256 } from '@soci/test-content';
import { buildExecutable } from './executable/build-executable.ts';
import { buildImage } from './image/build-image.ts';
import { DEBIAN_PACKAGES } from './image/debian-packages.ts';

/** Debian release of the image. The packages come from the sources of the build machine, so it must run this release. */
const DEBIAN = '12';

/** Returns what this machine lacks to build the executable and the image, and the remedy. Undefined if it lacks nothing. */
function missingRequirement(): string | undefined {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== 'linux-x64') return `this machine is ${platform}. Use Debian ${DEBIAN} on x64.`;
  const release = readRelease();
  if (release !== `debian ${DEBIAN}`) return `this machine runs ${release}. Use Debian ${DEBIAN}, also in a container.`;
  if (spawnSync('strip', ['--version']).status !== 0)
    return 'strip is missing. Run "apt-get install binutils" as root.';
  const { status, stderr } = spawnSync('apt-get', ['download', '--print-uris', ...DEBIAN_PACKAGES], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : `${stderr.trim()}. Run "apt-get update" as root.`;
}

/** Returns name and version of the operating system, such as `debian 12`. */
function readRelease(): string {
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (key: string) => new RegExp(`^${key}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? '';
  return `${field('ID')} ${field('VERSION_ID')}`.trim();
}

const [folder = 'dist-standalone'] = process.argv.slice(2);
const missing = missingRequirement();
if (folder === '--check') process.stdout.write(missing === undefined ? '' : `${missing}\n`);
else if (missing === undefined) await writeFiles(resolve(folder)).catch(({ message }: Error) => fail(message));
else fail(`cannot build the executable and the image: ${missing}`);

function fail(message: string): void {
  console.error(`error: ${message}`);
  process.exitCode = 1;
}

async function writeFiles(path: string): Promise<void> {
  mkdirSync(path, { recursive: true });
  const files = await Promise.all([buildExecutable(path), buildImage(path)]);
  for (const file of files.flat()) {
    console.log(`${sha256(readFileSync(file))}  ${(statSync(file).size / 1e6).toFixed(1).padStart(6)} MB  ${file}`);
  }
}
