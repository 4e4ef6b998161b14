// `npm run docs [-- --base PATH] [-- --serve]`: builds the documentation site.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, serve } from 'vitepress';
import { writeApiReference } from './api-reference.ts';
import { brokenLinks } from './check-links.ts';
import { findPages } from './pages.ts';
import { writePages } from './write-pages.ts';

const SITE = join(import.meta.dirname, '..');
const USAGE = 'usage: npm run docs [-- --base PATH] [-- --serve]';

let options: { base?: string; serve?: boolean };
try {
  options = parseArgs({ options: { base: { type: 'string' }, serve: { type: 'boolean' } } }).values;
} catch (error) {
  console.error(`${(error as Error).message}\n${USAGE}`);
  process.exit(2);
}

const started = performance.now();
const base = `/${options.base ?? ''}/`.replaceAll(/\/+/g, '/');
const pages = join(SITE, '.pages');
writePages(pages, findPages());
await writeApiReference(pages);
await build(SITE, { base });
const broken = brokenLinks(join(SITE, 'dist'), base);
if (broken.length > 0) {
  console.error(
    `${broken.join('\n')}\n${broken.length} broken links. Correct them in the documents that the pages are made from.`,
  );
  process.exit(1);
}
const files = readdirSync(join(SITE, 'dist'), { recursive: true, withFileTypes: true }).filter((entry) =>
  entry.isFile(),
);
const bytes = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
const count = files.filter(({ name }) => name.endsWith('.html')).length;
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`apps/site/dist: ${count} pages, ${(bytes / 1e6).toFixed(1)} MB, built in ${seconds} s`);
if (options.serve) await serve({ root: SITE, base });
