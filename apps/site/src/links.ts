// Links of the repository's Markdown, as they must be on the site.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/workspace/packages.ts';
import { type Page, resolveLink } from './pages.ts';

/** What links are resolved against. */
export interface LinkTargets {
  readonly pages: readonly Page[];
  /** Web address of the repository, if it is known. */
  readonly address: string | undefined;
}

/** Folders without a README that have a page. */
const FOLDERS: Readonly<Record<string, string>> = { 'docs/decisions': '/decisions/' };

const IMAGE = /\.(svg|png)$/;
const ABSOLUTE = /^(?:[a-z][a-z\d+.-]*:|\/\/)/i;

/**
 * Returns the target on the site of a link in the file `source` of the repository: the path of a page, or the address of a
 * file that is not a page. Returns undefined for such a file if the address of the repository is not known.
 *
 * @throws {Error} If the file does not exist.
 */
export function siteLink(source: string, target: string, { pages, address }: LinkTargets): string | undefined {
  if (ABSOLUTE.test(target) || target.startsWith('#')) return target;
  const [, path = '', anchor = ''] = /^([^#?]*)(?:\?[^#]*)?(#.*)?$/.exec(target) ?? [];
  const resolved = resolveLink(source, path);
  const isFolder = kindOf(source, resolved, target) === 'folder';
  const page = pages.find((each) => each.source === (isFolder ? join(resolved, 'README.md') : resolved));
  if (page !== undefined) return page.route + anchor;
  const folder = FOLDERS[resolved];
  if (folder !== undefined) return folder;
  const [, documented] = /^packages\/([^/]+)\/API\.md$/.exec(resolved) ?? [];
  if (documented !== undefined) return `/api/${documented}/`;
  if (address === undefined) return undefined;
  return `${address}/${isFolder ? 'tree' : 'blob'}/HEAD/${resolved}${anchor}`;
}

/**
 * Returns the path on the site of an image that the file `source` shows.
 *
 * @throws {Error} If the image does not exist, or is not copied to the site.
 */
export function siteImage(source: string, target: string): string {
  if (ABSOLUTE.test(target))
    throw new Error(`${source} shows ${target}. Put the image in docs/: pages load nothing from other hosts.`);
  const resolved = resolveLink(source, target);
  kindOf(source, resolved, target);
  if (!isCopiedImage(resolved)) throw new Error(`${source} shows ${target}. Put the image in docs/ as SVG or PNG.`);
  return `/${resolved}`;
}

/** Reports whether a file of the repository is copied to the site because pages may show it. */
export function isCopiedImage(path: string): boolean {
  return path.startsWith('docs/') && IMAGE.test(path);
}

function kindOf(source: string, path: string, target: string): 'file' | 'folder' {
  const stats = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (stats === undefined || path.startsWith('..')) {
    throw new Error(`${source} links to ${target}, which does not exist. Correct the link.`);
  }
  return stats.isDirectory() ? 'folder' : 'file';
}
