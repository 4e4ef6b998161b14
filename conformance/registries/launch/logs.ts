import { join } from 'node:path';
import type { RegistryName } from '../registry-traits.ts';

/** The folder of what the registries print; scripts/test-real.mjs shows the ends of the files after a failure. */
export const LOGS = join(import.meta.dirname, '..', '.reports', 'logs');

/** The file of what a registry prints. */
export function logFile(name: RegistryName): string {
  return join(LOGS, `${name.replaceAll(' ', '-')}.log`);
}
