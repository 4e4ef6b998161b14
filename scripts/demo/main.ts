// What `npm start` shows: the command line's own demonstration, as it is built, on an image kept in the repository's cache.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'packages', 'cli', 'bin', 'soci-index.js');
const { status } = spawnSync(
  process.execPath,
  [program, 'demo', '--dir', join(root, '.cache', 'demo'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
