import { createMarkdownRenderer } from 'vitepress';
import { expect, it } from 'vitest';
import { githubSlug, useRepositoryMarkdown } from './markdown.ts';
import { findPages } from './pages.ts';

const markdown = await createMarkdownRenderer('.', {
  anchor: { slugify: githubSlug },
  config: (md) => useRepositoryMarkdown(md, { pages: findPages(), address: undefined }),
});
const render = (text: string): string =>
  markdown.render(text, { relativePath: 'packages/ztoc/index.md', cleanUrls: true });

it('resolves links relative to the file in the repository', () => {
  expect(render('[formats](../../docs/formats.md#profiles)')).toContain('href="/formats#profiles"');
});

it('shows the text of links to files that have no address', () => {
  const html = render('See [the license](../../LICENSE), and [formats](../../docs/formats.md).');
  expect(html).toContain('See <span>the license</span>, and <a href="/formats">formats</a>.');
});

it('resolves images of Markdown and of HTML', () => {
  expect(render('![picture](../../docs/architecture.svg)')).toContain('src="/docs/architecture.svg"');
  expect(render('<img alt="" src="../../docs/architecture.svg">')).toContain('src="/docs/architecture.svg"');
});

it('keeps braces, which Vue would evaluate', () => {
  expect(render('A template has {{ name }}.')).toContain('&#123;&#123; name }}');
  expect(render('No script contains `${{`.')).toContain('<code>$&#123;&#123;</code>');
});

it.each([
  ['Exit codes', 'exit-codes'],
  ['`convert` SRC DST', 'convert-src-dst'],
  ['1. What is `v2`?', '1-what-is-v2'],
  ['`ecr:BatchGetImage`, `ecr_x`', 'ecrbatchgetimage-ecr_x'],
])('gives the heading "%s" the anchor that GitHub gives it', (heading, anchor) => {
  expect(render(`## ${heading}`)).toContain(`id="${anchor}"`);
});

it('draws diagrams in the colors of the theme, without anything from another host', () => {
  const html = render('```mermaid\nflowchart TB\n  a["first"]\n  b["second"]\n  a --> b\n```\n');
  expect(html).toMatch(/<div class="diagram" v-pre><svg .*first.*second.*<\/svg><\/div>/s);
  expect(html).not.toMatch(/<style|@import|url\('?http/);
});
