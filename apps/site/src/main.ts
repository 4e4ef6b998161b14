// `npm run docs [-- --base PATH] [-- --serve]`: builds the documentation site.
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, serve } from 'vitepress';
import { ROOT } from '../../../scripts/workspace/packages.ts';
import { writeApiReference } from './api-reference.ts';
import { brokenLinks } from './check-links.ts';
import { isCopiedImage } from './links.ts';
import { fileOf, findPages, type Page } from './pages.ts';

/** Writes the files that VitePress reads into `folder`, which is emptied first: pages, images and the index of decisions. */
function writePages(folder: string, pages: readonly Page[]): void {
  rmSync(folder, { recursive: true, force: true });
  for (const { source, route } of pages) cpSync(join(ROOT, source), join(folder, fileOf(route)));
  for (const name of readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })) {
    const image = join('docs', name);
    if (isCopiedImage(image)) cpSync(join(ROOT, image), join(folder, 'public', image));
  }
  write(join(folder, 'decisions', 'index.md'), decisionIndex(pages));
}

function decisionIndex(pages: readonly Page[]): string {
  const decisions = pages.filter(({ source }) => source.startsWith('docs/decisions/'));
  const rows = decisions.map(({ route, title }) => `- [${title}](${route})`);
  return `# Decisions\n\nWhy the project is as it is. Each record describes one decision that is hard to reverse.\n\n${rows.join('\n')}\n`;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

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
