// Writes `assets`: the zips of the functions, the inline code for templates, and the rules for filters and tags, from the builds
// of `@soci/functions` and `@soci/filter`. `npm run build` runs it.
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatNotices, listBundledPackages } from '@soci/bundle-report';
import { FILTER_BUNDLE, GENERATOR_BUNDLE, JOBS_BUNDLE, REPOSITORY_NAMES_FILE } from '@soci/functions';
import { build } from 'esbuild';

const OUTPUT = fileURLToPath(new URL('../assets', import.meta.url));
/** Oldest supported Node.js version. */
const TARGET = 'node22';

// Write to a temporary name first, so that `assets` is never incomplete.
const unfinished = `${OUTPUT}.part`;
rmSync(unfinished, { recursive: true, force: true });
mkdirSync(unfinished, { recursive: true });
for (const file of [FILTER_BUNDLE.zip, GENERATOR_BUNDLE.zip, JOBS_BUNDLE.zip, REPOSITORY_NAMES_FILE]) {
  cpSync(file, join(unfinished, basename(file)));
}
const { metafile } = await build({
  entryPoints: [fileURLToPath(new URL('./synth-rules.mjs', import.meta.url))],
  outfile: join(unfinished, 'synth-rules.js'),
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: TARGET,
  minify: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'error',
});
const notices = formatNotices('synth-rules.js', listBundledPackages(metafile));
writeFileSync(join(unfinished, 'THIRD-PARTY-LICENSES.txt'), notices);
rmSync(OUTPUT, { recursive: true, force: true });
renameSync(unfinished, OUTPUT);
