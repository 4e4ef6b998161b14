import { readFileSync } from 'node:fs';

/** The name that people type. */
export const PROGRAM = 'soci-index';

/** In the bundle, the version of the package: see `bundle/write-bundle.mjs`. */
declare const BUNDLED_VERSION: string | undefined;

/** The version that the package was published as. */
export function programVersion(): string {
  if (typeof BUNDLED_VERSION === 'string') return BUNDLED_VERSION;
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
