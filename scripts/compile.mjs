// `node ../../scripts/compile.mjs` in a package: compiles its sources into an empty dist/. Without that, a renamed source
// leaves its old output there, which packing would publish.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const tsc = new URL('../node_modules/typescript/bin/tsc', import.meta.url);
const { status } = spawnSync(process.execPath, [tsc.pathname, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
process.exitCode = status ?? 1;
