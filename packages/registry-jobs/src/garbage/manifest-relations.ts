import type { RepositoryState } from './repository-state.ts';

/** How the manifests of a repository need each other. */
export class ManifestRelations {
  /** Source images of SOCI-enabled images that have a tag. */
  readonly taggedSources: ReadonlySet<string>;
  readonly #state: RepositoryState;
  readonly #parents = new Map<string, string[]>();
  readonly #converted = new Map<string, string[]>();

  constructor(state: RepositoryState) {
    this.#state = state;
    const taggedSources = new Set<string>();
    for (const [digest, { lists, source, kind, sociIndex }] of state.facts) {
      if (sociIndex !== undefined) append(this.#converted, sociIndex, digest);
      for (const listed of lists) append(this.#parents, listed, digest);
      const isTagged = (state.images.get(digest)?.tags.length ?? 0) > 0;
      if (kind === 'soci-image' && source !== undefined && isTagged) taggedSources.add(source);
    }
    this.taggedSources = taggedSources;
  }

  /** Returns the image indexes that list a manifest. */
  parents(digest: string): readonly string[] {
    return this.#parents.get(digest) ?? [];
  }

  /** Returns a manifest and all image indexes that list it, at any depth. */
  withRoots(digest: string): ReadonlySet<string> {
    const found = new Set([digest]);
    for (const each of found) for (const parent of this.parents(each)) found.add(parent);
    return found;
  }

  /** Returns what must be deleted before a manifest: what lists or names it, and what it refers to. */
  deletedBefore(digest: string): readonly string[] {
    const subject = this.#state.facts.get(digest)?.subject;
    const needing = [...this.parents(digest), ...(this.#converted.get(digest) ?? [])];
    return [...new Set(subject === undefined ? needing : [...needing, subject])];
  }
}

/** Orders garbage level by level, sorted by digest: each manifest follows the garbage that is deleted before it. */
export function orderGarbage(garbage: Iterable<string>, earlier: (digest: string) => readonly string[]): string[] {
  const ordered: string[] = [];
  const waiting = new Map([...garbage].map((digest) => [digest, earlier(digest).length]));
  const later = new Map<string, string[]>();
  for (const digest of waiting.keys()) for (const each of earlier(digest)) append(later, each, digest);
  let level = [...waiting.keys()].filter((digest) => waiting.get(digest) === 0);
  while (level.length > 0) {
    ordered.push(...level.sort(compare));
    level = level.flatMap((digest) =>
      (later.get(digest) ?? []).filter((each) => {
        const count = (waiting.get(each) ?? 0) - 1;
        waiting.set(each, count);
        return count === 0;
      }),
    );
  }
  return ordered;
}

/** Compares two texts for a sort that does not depend on the language. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function append(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
