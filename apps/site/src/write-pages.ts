import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../../../scripts/workspace/packages.ts';
import { isCopiedImage } from './links.ts';
import { fileOf, type Page } from './pages.ts';

/** Writes the files that VitePress reads into `folder`, which is emptied first: pages, images and the index of decisions. */
export function writePages(folder: string, pages: readonly Page[]): void {
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
