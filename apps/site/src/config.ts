import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { readRootManifest, repositoryAddress } from '../../../scripts/release/manifest.ts';
import { API_SIDEBAR } from './api-reference.ts';
import { githubSlug, useRepositoryMarkdown } from './markdown.ts';
import { siteSidebar } from './navigation.ts';
import { findPages } from './pages.ts';

/**
 * Returns the web address of the repository without a slash at its end: that of package.json, or that of the GitHub workflow that
 * runs. Returns undefined if neither is known.
 */
function findRepositoryAddress(): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  return repositoryAddress(readRootManifest()) ?? (server && name ? `${server}/${name}` : undefined);
}

const pages = findPages();
const address = findRepositoryAddress();
const hasGuide = pages.some(({ route }) => route === '/guide/');
const srcDir = '.pages';

/** The configuration of VitePress. `.vitepress/config.ts` exports it, because VitePress looks for it there. */
export default defineConfig({
  title: 'SOCI index builder',
  description: 'SOCI (Seekable OCI) indexes for container images: command line, library, CDK construct.',
  lang: 'en',
  // No icon. Without this, browsers request /favicon.ico, which does not exist.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcDir,
  outDir: 'dist',
  cacheDir: '../../node_modules/.cache/site',
  cleanUrls: true,
  vite: { build: { target: 'es2022' } },
  metaChunk: true,
  markdown: {
    anchor: { slugify: githubSlug },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: (md) => useRepositoryMarkdown(md, { pages, address }),
  },
  themeConfig: {
    nav: [
      { text: hasGuide ? 'Guide' : 'Overview', link: hasGuide ? '/guide/' : '/', activeMatch: '^/guide/' },
      { text: 'Command line', link: '/cli' },
      { text: 'Deployment', link: '/deployment' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
    ],
    sidebar: { '/': siteSidebar(pages), ...apiSidebar() },
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    ...(address === undefined ? {} : { socialLinks: [{ icon: 'github', link: address }] }),
  },
});

function apiSidebar(): DefaultTheme.SidebarMulti {
  const file = join(import.meta.dirname, '..', srcDir, API_SIDEBAR);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DefaultTheme.SidebarMulti) : {};
}
