import { describe, expect, it } from 'vitest';
import { FilterError } from './errors.ts';
import { parseFilters } from './filters.ts';
import { parseOutputTag } from './output-tag.ts';

const DIGEST = `sha256:0123456789abcdef${'0'.repeat(48)}`;

describe('an output tag', () => {
  it.each([
    ['{tag}-soci', 'v1-soci'],
    ['soci-{tag}', 'soci-v1'],
    ['soci-{digest12}', 'soci-0123456789ab'],
    ['{tag}.{digest12}', 'v1.0123456789ab'],
    ['{tag}_{tag}', 'v1_v1'],
  ])('%s formats as %s', (template, tag) => {
    expect(parseOutputTag(template).format({ tag: 'v1', digest: DIGEST })).toBe(tag);
  });

  it('none formats as undefined', () => {
    expect(parseOutputTag('none')).toMatchObject({ needsTag: false, outputFilter: undefined });
    expect(parseOutputTag('none').format({ tag: 'v1', digest: DIGEST })).toBeUndefined();
  });

  it('reports whether it needs the tag of the image', () => {
    expect(parseOutputTag('{tag}-soci').needsTag).toBe(true);
    expect(parseOutputTag('{digest12}').needsTag).toBe(false);
  });

  it.each(['{tag}-soci', 'soci-{digest12}', '{tag}.{digest12}'])(
    '%s has a filter that matches only its tags',
    (template) => {
      const { format, outputFilter = '' } = parseOutputTag(template);
      const [filter] = parseFilters(outputFilter).include;
      expect(filter?.matches(`team/app:${format({ tag: 'v1', digest: DIGEST })}`)).toBe(true);
      expect(filter?.matches('team/app:v1')).toBe(false);
      const { isOutput } = parseOutputTag(template);
      expect([isOutput(format({ tag: 'v1', digest: DIGEST }) ?? ''), isOutput('v1')]).toEqual([true, false]);
    },
  );
});

describe('rejects', () => {
  it.each([
    ['{name}', '"{name}" is not a placeholder: use {tag} or {digest12}'],
    ['{}-soci', '"{}" is not a placeholder'],
    ['latest', 'has no placeholder, so every image would get the same tag'],
    ['{tag}', 'would overwrite the tag of the image'],
    ['-{tag}', 'does not make a valid tag'],
    ['{tag} soci', 'does not make a valid tag'],
    ['{tag}:soci', 'does not make a valid tag'],
    ['{tag', 'has no placeholder'],
    ['{tag}}', 'does not make a valid tag'],
    [`{tag}-${'x'.repeat(200)}`, 'does not make a valid tag'],
  ])('%s', (template, problem) => {
    expect(() => parseOutputTag(template)).toThrow(problem);
    expect(() => parseOutputTag(template)).toThrow(FilterError);
  });
});
