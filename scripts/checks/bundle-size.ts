// What a web page pays for @soci/ztoc: its whole entry, bundled for a browser, minified and gzipped.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { report } from '../report.ts';
import { ROOT } from '../workspace/packages.ts';

const LIMIT = 40 * 1024;

const { outputFiles, errors } = await build({
  entryPoints: ['packages/ztoc/src/index.ts'],
  absWorkingDir: ROOT,
  conditions: ['@soci/source'],
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  write: false,
  logLevel: 'silent',
}).catch((error: { errors: { text: string }[] }) => ({ outputFiles: [], errors: error.errors }));

const bytes = outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
const problems = errors.map(({ text }) => text);
if (bytes > LIMIT) problems.push(`${bytes} bytes are more than ${LIMIT}`);
report(`browser bundle of @soci/ztoc, ${(bytes / 1024).toFixed(1)} of ${LIMIT / 1024} KiB gzipped`, problems);
