// Where each page is in the navigation.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefaultTheme } from 'vitepress';
import { ROOT } from '../../../scripts/workspace/packages.ts';
import { type Page, resolveLink } from './pages.ts';

type Item = DefaultTheme.SidebarItem;

/** Sections of the sidebar: the pages, and a short text if the title is long. */
const SECTIONS: Readonly<Record<string, readonly (readonly [source: string, text?: string])[]>> = {
  'Command line': [
    ['docs/cli.md', 'Command reference'],
    ['docs/doctor.md', 'Why is it not lazy?'],
    ['docs/profiles.md', 'Profiles'],
    ['docs/executable-and-image.md', 'Executable and image'],
  ],
  Library: [
    ...['ztoc', 'oci', 'index', 'registry', 'ecr', 'filter', 'registry-jobs'].map(
      (name) => [`packages/${name}/README.md`] as const,
    ),
    ['docs/bundling.md', 'Bundlers'],
    ['docs/install-from-source.md', 'Install from source'],
    ['docs/compatibility.md', 'Supported versions'],
  ],
  'Construct and deployment': [
    ['packages/construct/README.md'],
    ['docs/deployment.md', 'Deployment'],
    ['docs/outcomes.md', 'Outcomes'],
    ['docs/several-accounts.md', 'Several accounts'],
    ['docs/migrating-from-aws-soci-index-builder.md', "Migrate from AWS's builder"],
  ],
  Integrations: [
    ['docs/integrations.md', 'All integrations'],
    ['docs/ci.md', 'GitHub, GitLab, CodeBuild'],
  ],
  'A whole registry': [['docs/registry-jobs.md', 'Status, backfill, garbage']],
  'Formats and evidence': [
    ['docs/formats.md', 'Formats'],
    ['docs/conformance.md', 'Conformance'],
    ['docs/benchmarks.md', 'Benchmarks'],
    ['docs/reliability.md', 'Reliability'],
  ],
};

const GUIDE = 'docs/guide/';
const DECISIONS = 'docs/decisions/';

/** Returns the sidebar of all pages except the API reference. Pages without a section are in the section "Project". */
export function siteSidebar(pages: readonly Page[]): Item[] {
  const placed = new Set(['README.md']);
  const item = (source: string, text?: string): Item[] => {
    const page = pages.find((each) => each.source === source);
    if (page === undefined || placed.has(source)) return [];
    placed.add(source);
    return [{ text: text ?? page.title, link: page.route }];
  };
  const home: Item = { text: 'Overview', link: '/' };
  const guide = { text: 'Guide', items: [home, ...guideSources(pages).flatMap((source) => item(source))] };
  const sections = Object.entries(SECTIONS).map(
    ([text, entries]): Item => ({
      text,
      collapsed: false,
      items: entries.flatMap(([source, label]) => item(source, label)),
    }),
  );
  const api: Item = { text: 'API reference', link: '/api/' };
  const decisions: Item = {
    text: 'Decisions',
    collapsed: true,
    link: '/decisions/',
    items: pages.filter(({ source }) => source.startsWith(DECISIONS)).flatMap(({ source }) => item(source)),
  };
  const rest: Item = { text: 'Project', collapsed: false, items: pages.flatMap(({ source }) => item(source)) };
  return [guide, ...sections, api, rest, decisions];
}

/** Returns the pages of the guide in the order in which its index links to them. */
function guideSources(pages: readonly Page[]): string[] {
  const index = `${GUIDE}README.md`;
  const sources = pages.map(({ source }) => source).filter((source) => source.startsWith(GUIDE));
  if (!sources.includes(index)) return sources;
  const links = [...readFileSync(join(ROOT, index), 'utf8').matchAll(/\]\(([^)\s#]+)/g)];
  const linked = links
    .map(([, target = '']) => resolveLink(index, target))
    .filter((source) => sources.includes(source));
  return [...new Set([index, ...linked, ...sources])];
}
