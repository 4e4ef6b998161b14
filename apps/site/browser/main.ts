// `npm run test:site`: builds the site as it is published, below a path, and tests it in headless Chromium. Prints the counts.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/setup.mjs';
import { formatCounts, readReports, removeReports, sumCounts } from '../../../scripts/test-reports.mjs';

const FOLDER = join('apps', 'site', 'browser');
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');

removeReports(ROOT, [FOLDER]);
const isBuilt = run(join(ROOT, 'apps', 'site', 'src', 'main.ts'), '--base', '/soci/');
if (isBuilt) run(VITEST, 'run', '--config', join(ROOT, FOLDER, 'vitest.config.ts'), ...process.argv.slice(2));
const reports = readReports(ROOT, [FOLDER]);
for (const { remarks } of reports) for (const remark of remarks) console.log(`  ${remark}`);
const counts = sumCounts(reports);
console.log(formatCounts(counts));
if (counts.failed > 0) process.exitCode = 1;

function run(...args: string[]): boolean {
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}
