import { matchesEventPattern } from '@soci/test-aws';
import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import { FilterError } from './errors.ts';
import { type EcrEventKind, parseEcrEvent } from './event.ts';
import { eventPattern } from './event-pattern.ts';
import { parseFilters } from './filters.ts';
import { PATTERN_TABLE } from './fixtures/pattern-table.ts';

/** Maximum length of a rule's pattern, in characters. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_PATTERN_LENGTH = 2048;

test('returns the whole pattern', () => {
  expect(eventPattern()).toEqual({
    source: ['aws.ecr'],
    'detail-type': ['ECR Image Action'],
    detail: {
      result: ['SUCCESS'],
      'action-type': ['PUSH'],
      'image-tag': [{ 'anything-but': '' }],
      'manifest-media-type': [
        'application/vnd.oci.image.manifest.v1+json',
        'application/vnd.oci.image.index.v1+json',
        'application/vnd.docker.distribution.manifest.v2+json',
        'application/vnd.docker.distribution.manifest.list.v2+json',
        '',
        { exists: false },
      ],
      'artifact-media-type': [
        'application/vnd.oci.image.config.v1+json',
        'application/vnd.docker.container.image.v1+json',
        '',
        { exists: false },
      ],
    },
  });
});

describe('the pattern matches', () => {
  test.each(PATTERN_TABLE.filter(({ matches }) => matches))('$name', ({ event, options }) => {
    expect(matchesEventPattern(eventPattern(options), event)).toBe(true);
  });
});

describe('the pattern does not match', () => {
  test.each(PATTERN_TABLE.filter(({ matches }) => !matches))('$name', ({ event, options }) => {
    expect(matchesEventPattern(eventPattern(options), event)).toBe(false);
  });
});

describe('decide agrees with the pattern', () => {
  test.each(PATTERN_TABLE)('$name: $matches', ({ event, options, matches }) => {
    let indexed: boolean;
    try {
      const decision = decide(parseEcrEvent(event, options), parseFilters('*:*'), {
        untagged: options.untagged ?? false,
      });
      indexed = decision.outcome === 'index';
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      indexed = false;
    }
    expect(indexed).toBe(matches);
  });
});

test('the longest pattern fits in a rule', () => {
  const pattern = eventPattern({ kinds: ['push', 'replication', 'pull-through-cache'] });
  expect(JSON.stringify(pattern).length).toBeLessThanOrEqual(MAX_PATTERN_LENGTH);
});

test('rejects unknown kinds and an empty list of kinds', () => {
  expect(() => eventPattern({ kinds: [] })).toThrow('kinds is empty: expected one or more of push, replication');
  expect(() => eventPattern({ kinds: ['pull' as EcrEventKind] })).toThrow('kinds has "pull": expected one or more of');
});
