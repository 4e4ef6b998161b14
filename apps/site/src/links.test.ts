import { expect, it } from 'vitest';
import { siteImage, siteLink } from './links.ts';
import { findPages } from './pages.ts';

const address = 'https://github.com/example/project';
const targets = { pages: findPages(), address };
const link = (source: string, target: string) => siteLink(source, target, targets);

it('links documents to the pages of other documents', () => {
  expect(link('README.md', 'docs/cli.md#exit-codes')).toBe('/cli#exit-codes');
  expect(link('docs/formats.md', 'decisions/014-ztocs-are-reused.md')).toBe('/decisions/014-ztocs-are-reused');
  expect(link('docs/deployment.md', '../README.md')).toBe('/');
});

it('links folders to their READMEs, and the folder of decisions to its index', () => {
  expect(link('README.md', 'packages/ztoc')).toBe('/packages/ztoc/');
  expect(link('docs/architecture.md', 'decisions/')).toBe('/decisions/');
});

it("links a package's list of exports to its API reference", () => {
  expect(link('docs/deployment.md', '../packages/construct/API.md')).toBe('/api/construct/');
});

it('links other files and folders to the repository', () => {
  expect(link('docs/cli.md', '../LICENSE')).toBe(`${address}/blob/HEAD/LICENSE`);
  expect(link('packages/ztoc/README.md', '../test-content')).toBe(`${address}/tree/HEAD/packages/test-content`);
});

it('has no address of other files if the repository is not known', () => {
  expect(siteLink('docs/cli.md', '../LICENSE', { ...targets, address: undefined })).toBeUndefined();
  expect(siteLink('docs/cli.md', 'formats.md', { ...targets, address: undefined })).toBe('/formats');
});

it('keeps links to other hosts and to headings of the same page', () => {
  expect(link('docs/cli.md', 'https://example.com/a#b')).toBe('https://example.com/a#b');
  expect(link('docs/cli.md', '#exit-codes')).toBe('#exit-codes');
});

it('rejects links to files that do not exist or are outside the repository', () => {
  expect(() => link('docs/cli.md', 'missing.md')).toThrow('docs/cli.md links to missing.md, which does not exist');
  expect(() => link('README.md', '../package.json')).toThrow('does not exist');
});

it('accepts only images in docs/, which are copied to the site', () => {
  expect(siteImage('README.md', 'docs/architecture.svg')).toBe('/docs/architecture.svg');
  expect(() => siteImage('README.md', 'LICENSE')).toThrow('Put the image in docs/');
  expect(() => siteImage('README.md', 'https://example.com/badge.svg')).toThrow('load nothing from other hosts');
});
