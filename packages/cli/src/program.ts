import { readFileSync } from 'node:fs';

/** The name that people type. */
export const PROGRAM = 'soci-index';

/** The version that the package was published as. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
