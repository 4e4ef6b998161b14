// VitePress rejects links to missing pages. This also finds links to missing headings and files.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A page of the built site. */
interface BuiltPage {
  readonly ids: ReadonlySet<string>;
  readonly links: readonly string[];
}

/** Returns a line for each link of a built site to a page, file or heading of the site that does not exist. */
export function brokenLinks(site: string, base: string): string[] {
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
  const pages = new Map(files.map((name) => [name.replaceAll('\\', '/'), readPage(join(site, name))]));
  const broken = [...pages].flatMap(([name, { links }]) =>
    links.flatMap((link) => {
      const { pathname, hash } = new URL(link, `http://site${base}${pathOf(name)}`);
      const target = fileOf(decodeURIComponent(pathname), base);
      const anchor = decodeURIComponent(hash.slice(1));
      if (target === undefined) return [`${name}: ${link}: does not begin with ${base}`];
      const page = pages.get(target);
      if (page === undefined) return existsSync(join(site, target)) ? [] : [`${name}: ${link}: no such page`];
      return anchor === '' || page.ids.has(anchor) ? [] : [`${name}: ${link}: ${target} has no such heading`];
    }),
  );
  return [...new Set(broken)];
}

/** Returns the path of a file with clean URLs: `cli` for `cli.html`, `api/` for `api/index.html`. */
function pathOf(file: string): string {
  return file.replace(/(?:^|(?<=\/))index\.html$|\.html$/, '');
}

function readPage(file: string): BuiltPage {
  const html = readFileSync(file, 'utf8');
  const links = [...html.matchAll(/<a\s[^>]*?href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'));
  return {
    ids: new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => id)),
    links: links.filter((href) => !/^[a-z][a-z\d+.-]*:/i.test(href)),
  };
}

/** Returns the file that a server with clean URLs sends for a path: `cli.html` for `/cli`. Outside of the base, undefined. */
function fileOf(path: string, base: string): string | undefined {
  if (!path.startsWith(base)) return undefined;
  const relative = path.slice(base.length);
  if (relative === '' || relative.endsWith('/')) return `${relative}index.html`;
  return /\.\w+$/.test(relative) ? relative : `${relative}.html`;
}
