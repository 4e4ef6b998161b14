import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What Node.js needs of Debian, with the packages that have the texts of their licenses and the name of the release. */
export const DEBIAN_PACKAGES = ['base-files', 'ca-certificates', 'gcc-12-base', 'libc6', 'libgcc-s1', 'libstdc++6'];

/** An unpacked Debian package. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** Fields of the package as dpkg has them in its list of installed packages. Scanners of images read them. */
  readonly control: string;
}

/**
 * Downloads the packages, whose signatures and hashes apt verifies, and unpacks them without running their scripts.
 *
 * @param downloads - Folder for the packages; created.
 * @param root - Folder for their files; created.
 */
export function unpackDebianPackages(downloads: string, root: string): DebianPackage[] {
  mkdirSync(downloads, { recursive: true });
  execFileSync('apt-get', ['download', '-qq', ...DEBIAN_PACKAGES], { cwd: downloads, stdio: 'pipe' });
  return readdirSync(downloads)
    .sort()
    .map((file) => {
      const path = join(downloads, file);
      execFileSync('dpkg-deb', ['--extract', path, root]);
      const control = execFileSync('dpkg-deb', ['--field', path], { encoding: 'utf8' });
      const field = (key: string) => new RegExp(`^${key}: (.+)$`, 'm').exec(control)?.[1] ?? '';
      return { name: field('Package'), version: field('Version'), control };
    });
}
