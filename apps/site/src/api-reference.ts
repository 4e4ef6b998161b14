// The API reference: TypeDoc reads the sources of the published packages and writes a Markdown page for each export.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefaultTheme } from 'vitepress';
import { LEVELS } from '../../../scripts/workspace/levels.ts';
import {
  publishedPackages,
  publishedSubpaths,
  ROOT,
  type WorkspacePackage,
} from '../../../scripts/workspace/packages.ts';

/** File with the sidebar of the reference, in the folder of the pages. */
export const API_SIDEBAR = 'api/sidebar.json';

/** A node of the navigation that typedoc-plugin-markdown writes. */
interface Node {
  readonly title: string;
  readonly path?: string;
  readonly children?: readonly Node[];
}

/**
 * Writes the pages of all exports into the folder `api` of `folder`, and their sidebar.
 *
 * @throws {Error} If a comment has a broken link.
 */
export async function writeApiReference(folder: string): Promise<void> {
  // Loaded here, because the configuration of VitePress imports this file.
  const { Application, Converter, LogLevel, PageEvent, ReflectionKind } = await import('typedoc');
  // Paths begin with the scope of the packages, as in `_soci/oci/layout/openLayout/index.md`.
  const out = join(folder, '.typedoc');
  const navigation = join(out, 'navigation.json');
  const options = {
    plugin: ['typedoc-plugin-markdown'],
    tsconfig: join(import.meta.dirname, '..', 'tsconfig.api.json'),
    entryPoints: publishedPackages().flatMap(publishedSources),
    basePath: ROOT,
    out,
    router: 'structure-dir',
    entryFileName: 'index',
    readme: 'none',
    name: 'API reference',
    // `npm run check -- types` checks them.
    skipErrorChecking: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    disableSources: true,
    disableGit: true,
    jsDocCompatibility: { defaultTag: false },
    validation: { invalidLink: true, notExported: false, notDocumented: false },
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useHTMLEncodedBrackets: true,
    parametersFormat: 'table',
    indexFormat: 'table',
    navigationJson: navigation,
    logLevel: LogLevel.Warn,
  };
  const app = await Application.bootstrapWithPlugins(options as Parameters<typeof Application.bootstrapWithPlugins>[0]);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      module.name = module.name.replace(/^packages\/([^/]+)\/src/, '@soci/$1');
    }
  });
  app.renderer.on(PageEvent.END, (page) => {
    const module =
      page.isReflectionEvent() && page.model.parent?.kindOf(ReflectionKind.Module) ? page.model.parent.name : undefined;
    page.contents = tidy(page.contents ?? '', module);
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc cannot read the sources. See its output above.');
  app.validate(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) {
    throw new Error('TypeDoc found problems in comments of exported names. See its output above, and correct them.');
  }
  renameSync(join(out, '_soci'), join(folder, 'api'));
  const packages = publishedPackages();
  const nodes = (JSON.parse(readFileSync(navigation, 'utf8')) as Node[]).sort((a, b) => rank(a.title) - rank(b.title));
  rmSync(out, { recursive: true });
  writeFileSync(join(folder, 'api', 'index.md'), writeIndex(nodes, packages));
  writeFileSync(join(folder, API_SIDEBAR), JSON.stringify(writeSidebar(nodes)));
}

/** Shortens a page, and adds which package exports its subject. */
function tidy(markdown: string, exportedBy?: string): string {
  return markdown
    .replace(/^# .+\n/, (heading) =>
      exportedBy === undefined ? heading : `${heading}\nExported by [\`${exportedBy}\`](../index.md).\n`,
    )
    .replaceAll(/^#{3,6} (Default|Inherited from|Overrides)\n\n(.+)$/gm, '$1: $2')
    .replaceAll(/^\*\*\*\n\n/gm, '');
}

/** The order of the packages: the lowest level first. */
function rank(name: string): number {
  return Object.keys(LEVELS).indexOf(name);
}

function writeIndex(nodes: readonly Node[], packages: readonly WorkspacePackage[]): string {
  const rows = nodes.map(({ title, path }) => {
    const description = packages.find(({ name }) => name === title)?.manifest.description ?? '';
    return `| [\`${title}\`](${routeOf(path)}) | ${description} |`;
  });
  return [
    '# API reference',
    '',
    'All names that the published packages export, with their comments in the source.',
    '',
    '| package | contents |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** Each package has its own sidebar, because all names in every page would be most of its size. */
function writeSidebar(nodes: readonly Node[]): DefaultTheme.SidebarMulti {
  const top = { text: 'API reference', link: '/api/' };
  const sidebar: DefaultTheme.SidebarMulti = {
    '/api/': [{ ...top, items: nodes.map(({ title, path }) => ({ text: title, link: routeOf(path) })) }],
  };
  for (const { title, path, children } of nodes) {
    sidebar[routeOf(path)] = [top, { text: title, link: routeOf(path), items: itemsOf(children) }];
  }
  return sidebar;
}

function itemsOf(nodes: readonly Node[] = []): DefaultTheme.SidebarItem[] {
  return nodes.map(({ title, path, children }) => ({
    text: title,
    ...(path === undefined ? {} : { link: routeOf(path) }),
    ...(children === undefined ? {} : { items: itemsOf(children) }),
  }));
}

/** Returns the path on the site of a file that TypeDoc wrote. */
function routeOf(path = ''): string {
  return path.replace(/^_soci\//, '/api/').replace(/index\.md$/, '');
}

/** Returns the source files of the entries that users may import. */
function publishedSources({ folder, manifest }: WorkspacePackage): string[] {
  return publishedSubpaths(manifest).flatMap((subpath) => {
    const target = manifest.exports?.[subpath];
    if (target === undefined || typeof target === 'string' || target.types === undefined) return [];
    return [join(ROOT, folder, target.types.replace(/^\.\/dist\/(.+)\.d\.ts$/, 'src/$1.ts'))];
  });
}
