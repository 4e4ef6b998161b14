// `pnpm test:real [FLAGS OF VITEST]`: gets the real registries and the tools that judge them, and runs our client and
// command line against them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getParts } from './real/parts.mjs';
import { runConformance } from './run-conformance.mjs';

/** Lines of a registry's log that are shown after a failure; the file has them all. */
const SHOWN_LINES = 30;

await runConformance({ folder: 'registries', getParts, variable: 'REAL_PROGRAMS', afterFailure: showLogs });

function showLogs(reports) {
  const folder = join(reports, 'logs');
  for (const name of readdirSync(folder)) {
    const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
    console.log([`${join(folder, name)} ends with:`, ...lines.slice(-SHOWN_LINES)].join('\n  '));
  }
}
