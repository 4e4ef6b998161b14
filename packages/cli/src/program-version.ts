import { readFileSync } from 'node:fs';

/** Version of the package. Only defined in the bundle: see `bundle/write-bundle.mjs`. */
declare const BUNDLED_VERSION: string | undefined;

/** Returns the version of the package. */
export function programVersion(): string {
  if (typeof BUNDLED_VERSION === 'string') return BUNDLED_VERSION;
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
