import type { Platform } from '@soci/oci';
import { formatPlatform } from '@soci/oci';
import { printable, quoteWord } from '../terminal/text.ts';
import type { Evidence, PlatformEntry, RegistryEvidence } from './evidence.ts';

/** Returns the name of another image of the repository. @param version - `:TAG` or `@DIGEST`. */
export function nameInRepository({ host, repository }: RegistryEvidence, version: string): string {
  return `${host}/${repository}${version}`;
}

/** Returns the name of a platform for users. */
export function platformName(platform: Platform | undefined): string {
  return platform === undefined ? 'unknown platform' : printable(formatPlatform(platform));
}

/** Returns the names of platforms: `linux/amd64 and linux/arm64`. */
export function platformNames(entries: readonly PlatformEntry[]): string {
  return listWords(entries.map(({ platform }) => platformName(platform)));
}

/** Maximum number of words of a list. */
const MAX_LISTED = 5;

/** Joins words: `a, b and c`. Long lists are shortened. */
export function listWords(words: readonly string[]): string {
  const shown =
    words.length > MAX_LISTED ? [...words.slice(0, MAX_LISTED - 1), `${words.length - MAX_LISTED + 1} more`] : words;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** Returns a command line of this program. */
export function sociIndex(...words: readonly string[]): string {
  return ['soci-index', ...words].map(quoteWord).join(' ');
}

/** Returns the name that the SOCI-enabled version of the image gets by default. */
export function indexedName({ registry }: Evidence): string {
  const { tag, counterpart } = registry;
  if (counterpart !== undefined && 'tag' in counterpart) return nameInRepository(registry, `:${counterpart.tag}`);
  return nameInRepository(registry, tag === undefined ? ':TAG-soci' : `:${tag}-soci`);
}

/**
 * Returns a command line that builds the index of a SOCI-enabled image again: from its original image or, if that does not
 * exist, from the image itself.
 */
export function rebuildCommand(registry: RegistryEvidence, ...options: readonly string[]): string {
  const { name, tag, original, isPinned } = registry;
  const convert = (source: string, target: string, ...more: readonly string[]) =>
    sociIndex('convert', '--force', ...more, ...options, source, target);
  if (original !== undefined) return convert(nameInRepository(registry, `:${original}`), name);
  if (isPinned) return convert(name, nameInRepository(registry, `:${tag ?? 'TAG-soci'}`));
  return convert(name, name, '--overwrite-source');
}
