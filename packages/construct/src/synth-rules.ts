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
