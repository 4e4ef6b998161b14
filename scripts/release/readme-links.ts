import { posix } from 'node:path';

/** What the links of a packed README are resolved against. */
export interface LinkTargets {
  /** Folder of the README in the repository. */
  readonly folder: string;
  /** Web address of the repository, if it is known. */
  readonly address: string | undefined;
  /** Returns what a path in the repository is; undefined if it does not exist. */
  readonly kindOf: (path: string) => 'file' | 'folder' | undefined;
}

const FENCE = /^(```|~~~).*?^\1\s*$/gms;
const LINK = /(?<image>!?)\[(?<text>(?:[^[\]]|\[[^\]]*\])*)\]\((?<target>[^()\s]+)\)/g;
const ABSOLUTE = /^(?:[a-z][a-z\d+.-]*:|#)/i;

/**
 * Makes the relative links of a README absolute, so that they work on a registry's web page. If the address of the repository
 * is not known, keeps their text only.
 *
 * @throws Error if a link points to nothing.
 */
export function absoluteLinks(markdown: string, targets: LinkTargets): string {
  const code = [...markdown.matchAll(FENCE)].map(([fence]) => fence);
  const prose = markdown.split(FENCE).filter((_, i) => i % 2 === 0);
  return prose
    .map((text, i) => text.replaceAll(LINK, (...match) => rewrite(match, targets)) + (code[i] ?? ''))
    .join('');
}

function rewrite(match: readonly unknown[], { folder, address, kindOf }: LinkTargets): string {
  const [link, { image, text, target }] = [match[0], match.at(-1)] as [string, Record<string, string>];
  if (target === undefined || ABSOLUTE.test(target)) return link;
  const [, path = '', fragment = ''] = /^([^#]*)(#.*)?$/.exec(target) ?? [];
  const resolved = posix.join(folder, path).replace(/\/$/, '');
  const kind = kindOf(resolved);
  if (kind === undefined) throw new Error(`${folder}/README.md links to ${target}, which does not exist`);
  if (address === undefined) return text ?? '';
  const view = kind === 'folder' ? 'tree' : image ? 'raw' : 'blob';
  return `${image}[${text}](${address}/${view}/HEAD/${resolved}${fragment})`;
}
