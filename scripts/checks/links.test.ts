import { expect, it } from 'vitest';
import { brokenLinks } from './links.ts';

it('accepts files, folders, headings and addresses', () => {
  const text = '# One `two`: three\n[a](../README.md) [b](decisions) [c](#one-two-three) [d](https://example.com/x)\n';
  expect(brokenLinks('docs/page.md', text)).toEqual([]);
});

it('reports missing files and headings, with the document and the link', () => {
  const text = '# One\n[a](missing.md)\n[b](#two)\n[c](../README.md#no-such)\n\n[d]: gone.md\n';
  expect(brokenLinks('docs/page.md', text)).toEqual([
    'docs/page.md: missing.md: no such file',
    'docs/page.md: #two: docs/page.md has no such heading',
    'docs/page.md: ../README.md#no-such: README.md has no such heading',
    'docs/page.md: gone.md: no such file',
  ]);
});

it('ignores code', () => {
  expect(brokenLinks('docs/page.md', 'Write `[a](b.md)`.\n\n```md\n[a](b.md)\n```\n')).toEqual([]);
});
