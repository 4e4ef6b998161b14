// Which Markdown files of the repository are pages, and where. No file is copied into the tree: `main.ts` copies them
// into an ignored folder before each build.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { publishedPackages, ROOT } from '../../../scripts/workspace/packages.ts';

/** A page that is made from a file of the repository. */
export interface Page {
  /** File in the repository, such as `docs/cli.md`. */
  readonly source: string;
  /** Path on the site without base and ending: `/cli`, or `/packages/ztoc/` for the index of a folder. */
  readonly route: string;
  /** Text of the first heading. */
  readonly title: string;
}

/** Documents whose path does not follow from their name. */
const OTHERS: Readonly<Record<string, string>> = {
  'README.md': '/',
  'docs/README.md': '/contents',
  'CONTRIBUTING.md': '/contributing',
  'SECURITY.md': '/security',
  'CODE_OF_CONDUCT.md': '/code-of-conduct',
};

/** Returns all pages except those of the API reference. A folder with a `README.md` has it as its index. */
export function findPages(): Page[] {
  const documents = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.md') && OTHERS[`docs/${name}`] === undefined)
    .sort()
    .map((name): [string, string] => [`docs/${name}`, `/${name.replace(/(?:^|(?<=\/))README\.md$|\.md$/, '')}`]);
  const packages = publishedPackages().map(({ folder }): [string, string] => [`${folder}/README.md`, `/${folder}/`]);
  return [...Object.entries(OTHERS), ...documents, ...packages].map(([source, route]) => ({
    source,
    route,
    title: titleOf(readFileSync(join(ROOT, source), 'utf8'), source),
  }));
}

/** Returns the first heading of a document, as plain text. */
function titleOf(markdown: string, source: string): string {
  const heading = /^# +(.+)$/m.exec(markdown)?.[1];
  if (heading === undefined) throw new Error(`${source} has no heading of level 1. Start the document with "# TITLE".`);
  return heading.replaceAll(/`|\*\*/g, '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}

/** Returns the file of a page in the folder that VitePress reads: `cli.md` for `/cli`, `packages/ztoc/index.md` for a folder. */
export function fileOf(route: string): string {
  return route.endsWith('/') ? `${route.slice(1)}index.md` : `${route.slice(1)}.md`;
}

/** Returns the path that a relative link of a file leads to, relative to the repository, without a slash at its end. */
export function resolveLink(source: string, path: string): string {
  return posix.join(posix.dirname(source), decodeURI(path)).replace(/(?<=.)\/$/, '');
}
