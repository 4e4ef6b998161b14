/** A phrase that makes readers stop, and what to write. */
export interface ProseRule {
  /** Matched in running text, where each white space is one space. */
  readonly phrase: RegExp;
  readonly instead: string;
}

/** The rules of this repository. A phrase that is right in its place needs a narrower pattern here, not an exception there. */
export const PROSE_RULES: readonly ProseRule[] = [
  // "if" and "when"
  { phrase: /\bwhere (there|nothing|none|neither|nobody|no \w+) /i, instead: '"if" or "when"' },
  {
    phrase:
      /\bwhere (it|they|this|that|one) (is|are|has|have|does|do|was|can|may|must)( not|n't)?\b(?! (stored|kept|read|written|declared|defined|used))/i,
    instead: '"if" or "when"',
  },
  { phrase: /^Where [^?]*,/, instead: '"If" or "When"' },
  // To exist, to have, to fail
  {
    phrase: /(?<!\b(what|who|how|which|where|that|so) )\b(is|are|was|were) there\b(?! (a|an|any)\b[^.]*\?)/i,
    instead: '"exists"',
  },
  { phrase: /\b(is|are|was|there's) none\b/i, instead: '"has no ..." or "does not exist"' },
  {
    phrase: /(?<!\bthere )\bis no (?!longer\b|more\b|less\b|bigger\b|larger\b|smaller\b|newer\b|older\b)\w+/i,
    instead: '"is not a ..."',
  },
  { phrase: /(?<!connections? )\b(is|are|be|was|were) refused\b/i, instead: '"fails", "is rejected" or "is denied"' },
  { phrase: /\bto be had\b/i, instead: '"available"' },
  { phrase: /\bfor want of\b/i, instead: '"without"' },
  // Somebody
  { phrase: /\b(whoever|whomever|whosoever)\b/i, instead: '"the user", "the caller" or "anyone who"' },
  { phrase: /\b(somebody|nobody)\b/i, instead: '"the user", "a caller", "someone" or "no one"' },
  // Old words
  { phrase: /\bbeside\b/i, instead: '"next to", "with" or "in addition to"' },
  { phrase: /\banew\b/i, instead: '"again"' },
  { phrase: /\bmend(s|ed|ing)?\b/i, instead: '"fix" or "repair"' },
  { phrase: /\baloud\b/i, instead: 'the fact itself' },
  { phrase: /\bbut for\b/i, instead: '"except"' },
  { phrase: /\bfor good\b(?! reason)/i, instead: '"permanently"' },
  { phrase: /\bwithout doubt\b/i, instead: '"clearly", or nothing' },
  { phrase: /\bin place of\b/i, instead: '"instead of"' },
  {
    phrase: /\b(thither|whither|hitherto|henceforth|thereof|therein|whereof|wherein|heretofore)\b/i,
    instead: 'a common word',
  },
  // Literal translations
  { phrase: /\bof (ours|yours|its own accord)\b/i, instead: '"our" or "your"' },
  {
    phrase:
      /\b(is|are|was|were|be) (indexed|started|made|done|deleted|removed|found|built|created) by (itself|themselves)\b/i,
    instead: '"automatically"',
  },
  { phrase: /\bfail(s|ed|ing)? in passing\b/i, instead: '"temporarily"' },
  { phrase: /\bgo(es)? on (where|with|as|until|from)\b/i, instead: '"continue" or "resume"' },
  { phrase: /\bhangs? on\b/i, instead: '"depends on"' },
  { phrase: /\b(held|holds?) (\w+ )?against\b/i, instead: '"compared with" or "checked against"' },
  { phrase: /\bstands? (in|for itself|with|beside|behind)\b/i, instead: '"is in" or "is next to"' },
  { phrase: /\b(tells|tell) (of|the rest|it|which|what)\b/i, instead: '"shows", "reports" or "describes"' },
  { phrase: /\b(lets?|letting) (it |them |\w+ )?(in|through)\b/i, instead: '"matches", "accepts" or "passes"' },
  { phrase: /\b(came|comes|become|became|becomes) of\b/i, instead: '"result" or "outcome"' },
  { phrase: /\b(that|those) which\b/i, instead: '"the one that", or the noun' },
  { phrase: /\bof other work\b/i, instead: '"loaded"' },
  { phrase: /\bso many\b/i, instead: 'the number, or "N"' },
  { phrase: /\bas (it|they) stands?\b/i, instead: '"unchanged"' },
  { phrase: /\bin the shape of\b/i, instead: '"that imitates"' },
  { phrase: /\bneighbou?rs?\b/i, instead: '"similar tags"' },
  { phrase: /\b(of )?which there (is|are)\b/i, instead: 'the noun' },
];
