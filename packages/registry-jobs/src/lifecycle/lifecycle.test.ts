import { parseOutputTag } from '@soci/filter';
import { describe, expect, it } from 'vitest';
import { image } from '../fixtures/memory-catalog.ts';
import { explainLifecycle } from './explain-lifecycle.ts';
import { type LifecycleRule, parseLifecyclePolicy } from './lifecycle-policy.ts';
import { proposeLifecycle } from './propose-lifecycle.ts';

const OUTPUT = parseOutputTag('{tag}-soci');
const IMAGES = [image('v1'), image('v1-soci'), image('v2'), image('prod-1')];

function rule(selection: Partial<LifecycleRule['selection']>, rulePriority = 1): LifecycleRule {
  const all = { tagStatus: 'tagged', countType: 'imageCountMoreThan', countNumber: 10, ...selection } as const;
  return { rulePriority, selection: all, action: { type: 'expire' } };
}

const DAYS = { countType: 'sinceImagePushed', countUnit: 'days', countNumber: 30 };

describe('explainLifecycle', () => {
  it.each([
    ['a count of a pattern that matches both', rule({ tagPatternList: ['v*'] }), ['counts-both'], 2, 1],
    ['an age of a pattern that matches both', rule({ tagPatternList: ['v*'], ...DAYS }), ['together'], 2, 1],
    ['a pattern that matches only images', rule({ tagPatternList: ['v?', '*1'].slice(1) }), ['keeps-index'], 2, 0],
    ['a pattern that matches only indexes', rule({ tagPatternList: ['*-soci'] }), ['removes-index'], 0, 1],
    ['a list of patterns, which no tag matches', rule({ tagPatternList: ['v*', 'prod-*'] }), ['together'], 0, 0],
    ['a prefix', rule({ tagPrefixList: ['prod-'] }), ['counts-both'], 1, 0],
    ['untagged images', rule({ tagStatus: 'untagged', ...DAYS }), ['removes-v1'], 0, 0],
    ['all images', rule({ tagStatus: 'any' }), ['counts-both'], 3, 1],
    ['pull times', rule({ tagStatus: 'any', countType: 'sinceImagePulled' }), ['pull-times-differ'], 3, 1],
  ])('describes a rule for %s', (_, each, effects, images, indexes) => {
    expect(explainLifecycle({ rules: [each] }, IMAGES, OUTPUT)).toEqual([
      { rulePriority: 1, effects, images, indexes },
    ]);
  });

  it('uses sample tags if the repository has no images', () => {
    const [found] = explainLifecycle({ rules: [rule({ tagPatternList: ['*-release'] })] }, [], OUTPUT);
    expect(found).toMatchObject({ effects: ['keeps-index'], images: 0 });
  });
});

describe('proposeLifecycle', () => {
  it('adds a rule with the same limit for the indexes, before the rule of the images', () => {
    const present = rule({ tagPatternList: ['*-release'], ...DAYS }, 5);
    const { rules } = proposeLifecycle({ rules: [present] }, [], OUTPUT);
    expect(rules.map(({ rulePriority, selection }) => [rulePriority, selection])).toEqual([
      [1, { ...present.selection, tagPatternList: ['*-release-soci'] }],
      [2, present.selection],
    ]);
  });

  it('doubles a count that includes the indexes', () => {
    const { rules } = proposeLifecycle({ rules: [rule({ tagPatternList: ['v*'] })] }, IMAGES, OUTPUT);
    expect(rules.map(({ selection }) => selection.countNumber)).toEqual([20]);
  });

  it.each([
    rule({ tagPatternList: ['*-release'], ...DAYS }),
    rule({ tagPatternList: ['v*'] }),
    rule({ tagStatus: 'any' }),
    rule({ tagPrefixList: ['v'] }),
  ])('proposes no change of its proposal', (each) => {
    const first = proposeLifecycle({ rules: [each] }, IMAGES, OUTPUT);
    expect(proposeLifecycle(first, IMAGES, OUTPUT)).toEqual(first);
  });

  it('proposes to remove only untagged images without a policy', () => {
    expect(proposeLifecycle(undefined, IMAGES, OUTPUT).rules).toMatchObject([{ selection: { tagStatus: 'untagged' } }]);
  });
});

describe('parseLifecyclePolicy', () => {
  it('accepts a policy, and the output of the AWS command line', () => {
    const text = JSON.stringify({ rules: [rule({}, 2), rule({}, 1)] });
    const { rules } = parseLifecyclePolicy(text, 'policy.json');
    expect(rules.map(({ rulePriority }) => rulePriority)).toEqual([1, 2]);
    const output = JSON.stringify({ lifecyclePolicyText: text });
    expect(parseLifecyclePolicy(output, 'policy.json')).toEqual({ rules });
  });

  it.each([
    ['not JSON', '{'],
    ['without rules', '{}'],
    ['null', 'null'],
    ['with an invalid rule', '{"rules":[{"rulePriority":1}]}'],
    ['too long', JSON.stringify({ rules: [], text: 'x'.repeat(70_000) })],
  ])('rejects a text that is %s', (_, text) => {
    expect(() => parseLifecyclePolicy(text, 'policy.json')).toThrow(
      expect.objectContaining({ code: 'POLICY_INVALID', message: expect.stringContaining('policy.json') }),
    );
  });
});
