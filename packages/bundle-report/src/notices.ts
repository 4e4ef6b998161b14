import { readFileSync } from 'node:fs';
import type { BundledPackage } from './bundled-packages.ts';

/** The license of this repository, which is Apache-2.0 without changes. */
const APACHE = new URL('../../../LICENSE', import.meta.url);
const END_OF_TERMS = 'END OF TERMS AND CONDITIONS';
/** Licenses that do not require their text, and Apache-2.0, whose text is the same for all packages. */
const WITHOUT_TEXT = new Set(['0BSD', 'Apache-2.0', 'MIT-0']);
const RULE = `\n\n${'-'.repeat(80)}\n\n`;

/**
 * Returns the third-party notices of a bundle: its packages from other authors, with copyrights, license texts and notices. A
 * text that several packages share is listed once.
 *
 * @param product - Name of the bundled product.
 * @throws Error if a package has no license text and its license requires it.
 */
export function formatNotices(product: string, packages: readonly BundledPackage[]): string {
  const apache = readFileSync(APACHE, 'utf8').trim();
  const groups = new Map<string, string[]>();
  for (const { name, version, license, texts, isOwn } of packages) {
    if (isOwn) continue;
    const terms = texts.map((text) => shortenApache(text, apache)).filter((text) => text !== '');
    if (texts.length === 0 && !WITHOUT_TEXT.has(license)) {
      throw new Error(`cannot bundle ${name}@${version}: it has no file with the text of its license, ${license}`);
    }
    const key = [`License: ${license}`, ...terms].join('\n\n');
    groups.set(key, [...(groups.get(key) ?? []), `${name} ${version}`]);
  }
  const parts = [...groups].map(([terms, names]) => `${names.join('\n')}\n\n${terms}`);
  const isApache = packages.some(({ license, isOwn }) => license === 'Apache-2.0' && !isOwn);
  if (isApache) parts.push(`Text of Apache-2.0:\n\n${apache}`);
  return `${product} contains the following packages.\n\n${parts.join(RULE)}\n`;
}

/** Returns only the copyright lines if `text` is the Apache license. Returns other licenses unchanged. */
function shortenApache(text: string, apache: string): string {
  if (normalize(termsOf(text)) !== normalize(termsOf(apache))) return text;
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => /^copyright\b.*\d{4}/i.test(line)).join('\n');
}

const termsOf = (text: string) => text.slice(text.search(/Apache License/i)).split(END_OF_TERMS)[0] ?? '';

/** Removes white space and differences of URL schemes and case, in which copies of the license differ. */
const normalize = (text: string) => text.replaceAll(/\s+/g, '').replaceAll('https:', 'http:').toLowerCase();
