import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, it } from 'vitest';
import { brokenLinks } from './check-links.ts';

function makeSite(pages: Readonly<Record<string, string>>): string {
  const site = temporaryFolder();
  for (const [name, html] of Object.entries(pages)) {
    mkdirSync(join(site, name, '..'), { recursive: true });
    writeFileSync(join(site, name), html);
  }
  return site;
}

it('accepts links to pages, folders, files, headings and other hosts', () => {
  const site = makeSite({
    'index.html':
      '<a href="/b/cli">1</a> <a class="x" href="/b/cli#a">2</a> <a href="/b/api/">3</a> <a href="/b/x.svg">4</a> <a href="https://example.com/">5</a>',
    'the-index.html': '<h2 id="a">A</h2> <a href="#a">1</a>',
    'cli.html': '<h2 id="a">A</h2> <a href="#a">1</a> <a href="/b/">2</a>',
    'api/index.html': '<h1 id="a">A</h1> <a href="./../cli#a">1</a> <a href="x/">2</a> <a href="#a">3</a>',
    'api/x/index.html': '<a href="../#a">1</a>',
    'x.svg': '',
  });
  expect(brokenLinks(site, '/b/')).toEqual([]);
});

it('finds links to missing pages and headings, and links without the base', () => {
  const site = makeSite({
    'index.html': '<a href="/b/none">1</a> <a href="/b/cli#none">2</a> <a href="/cli">3</a>',
    'cli.html': '<a href="#none">1</a>',
  });
  expect(brokenLinks(site, '/b/').sort()).toEqual([
    'cli.html: #none: cli.html has no such heading',
    'index.html: /b/cli#none: cli.html has no such heading',
    'index.html: /b/none: no such page',
    'index.html: /cli: does not begin with /b/',
  ]);
});
