// The site reads Markdown as GitHub does: the same links and the same anchors of headings.
import { renderMermaidSVG } from 'beautiful-mermaid';
import type { MarkdownOptions } from 'vitepress';
import { type LinkTargets, siteImage, siteLink } from './links.ts';
import { fileOf } from './pages.ts';

type MarkdownIt = Parameters<NonNullable<MarkdownOptions['config']>>[0];
type Token = ReturnType<MarkdownIt['parse']>[number];

/** Returns the anchor of a heading as GitHub writes it: lower case, without punctuation. */
export function githubSlug(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/** Makes a Markdown parser of VitePress resolve the links and images of the repository's documents, and draw diagrams. */
export function useRepositoryMarkdown(md: MarkdownIt, targets: LinkTargets): void {
  const sources = new Map(targets.pages.map(({ route, source }) => [fileOf(route), source]));
  md.core.ruler.push('repository-links', (state) => {
    const source = sources.get((state.env as { relativePath?: string }).relativePath ?? '');
    if (source !== undefined) for (const token of state.tokens) rewrite(token, source, targets);
  });
  const fence = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, i, ...others) => {
    const { info, content } = tokens[i] as Token;
    return info === 'mermaid' ? drawDiagram(content) : (fence?.(tokens, i, ...others) ?? '');
  };
  // Vue would evaluate what is between two braces.
  const escapeText = (text = '') => md.utils.escapeHtml(text).replaceAll('{{', '&#123;&#123;');
  md.renderer.rules.text = (tokens, i) => escapeText(tokens[i]?.content);
  md.renderer.rules.code_inline = (tokens, i) => `<code>${escapeText(tokens[i]?.content)}</code>`;
}

/** Draws a Mermaid diagram as SVG. Its colors are in the theme's style sheet. */
function drawDiagram(text: string): string {
  // Without the style element, which Vue rejects and which loads a font from another host.
  const svg = renderMermaidSVG(text, { transparent: true }).replace(/<style>.*?<\/style>/s, '');
  return `<div class="diagram" v-pre>${svg}</div>\n`;
}

function rewrite(token: Token, source: string, targets: LinkTargets): void {
  const open: Token[] = [];
  for (const child of token.children ?? []) {
    rewrite(child, source, targets);
    if (child.type === 'link_open') open.push(child);
    // Without an address, only the text of a link is shown.
    if (child.type === 'link_close') child.tag = open.pop()?.tag ?? 'a';
  }
  if (token.type === 'link_open') {
    const link = siteLink(source, token.attrGet('href') ?? '', targets);
    if (link !== undefined) token.attrSet('href', link);
    else Object.assign(token, { tag: 'span', attrs: [] });
  }
  if (token.type === 'image') token.attrSet('src', siteImage(source, token.attrGet('src') ?? ''));
  if (token.type === 'html_inline' || token.type === 'html_block') {
    token.content = token.content
      .replaceAll(/\b(src|srcset)="([^"]*)"/g, (_, name, value) => `${name}="${siteImage(source, value)}"`)
      .replaceAll(/\bhref="([^"]*)"/g, (_, value) => `href="${siteLink(source, value, targets) ?? '#'}"`);
  }
}
