import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { DEBIAN_PACKAGES } from './image/debian-packages.ts';

/** Debian release of the image. The packages come from the sources of the build machine, so it must run this release. */
const DEBIAN = '12';

/** Returns what this machine lacks to build the executable and the image, and the remedy. Undefined if it lacks nothing. */
export function missingRequirement(): string | undefined {
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
