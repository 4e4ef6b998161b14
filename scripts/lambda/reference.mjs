// The reference implementation, which Go builds from conformance/reference as `pnpm conformance` does.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../setup.mjs';
import { tryStep } from './cache.mjs';

const SOURCES = join(ROOT, 'conformance', 'reference');

/** What to do where it cannot be built. */
export const REFERENCE_REMEDY =
  'It is built by Go 1.26 or newer (https://go.dev/dl) with a C compiler: Debian: apt-get install gcc libc6-dev zlib1g-dev, as root.';

/** Path of the program. Go sees itself whether anything has changed. */
export async function getReference() {
  if (spawnSync('go', ['version']).error !== undefined) return undefined;
  const path = join(SOURCES, '.build', 'reference');
  const args = ['build', '-C', SOURCES, '-o', path, '.'];
  return (await tryStep('building the reference', 'go', args, { ...process.env, CGO_ENABLED: '1' })) ? path : undefined;
}
