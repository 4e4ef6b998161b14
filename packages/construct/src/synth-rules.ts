/** A filter, read. */
interface ParsedFilter {
  readonly text: string;
  /** @param name - `repository:tag`. */
  matches(name: string): boolean;
}

/** Filters, read. */
export interface ParsedFilters {
  readonly include: readonly ParsedFilter[];
  readonly exclude: readonly ParsedFilter[];
}

/** What `assets/synth-rules.js` has: parts of `@soci/filter` and `@soci/functions`, whose own packages say what they do. */
export interface SynthRules {
  /** What the tag of a SOCI-enabled image is, unless it is said otherwise. */
  readonly DEFAULT_OUTPUT_TAG: string;
  /** The same for an image that is given by its digest. */
  readonly DIGEST_OUTPUT_TAG: string;
  /** Instead of a template: there is no tag. */
  readonly NO_OUTPUT_TAG: string;
  /** Characters of filters that the filtering function has room for. */
  readonly FILTERS_ROOM: number;
  /** @throws an Error with the position of what is wrong. */
  parseFilters(text: string): ParsedFilters;
  repositoryPatterns(filters: ParsedFilters): readonly string[];
  eventPattern(options: { readonly kinds: readonly string[]; readonly untagged: boolean }): {
    readonly source: readonly string[];
    readonly 'detail-type': readonly string[];
    readonly detail: Readonly<Record<string, unknown>>;
  };
  /** @throws an Error that says what is wrong. */
  parseOutputTag(template: string): { readonly ownFilter: string | undefined };
}

/** Beside `dist` as beside `src`. */
export const rules: SynthRules = require('../assets/synth-rules.js');
