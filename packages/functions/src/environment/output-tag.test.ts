import { parseFilters } from '@soci/filter';
import { describe, expect, it } from 'vitest';
import { parseOutputTag } from './output-tag.ts';

const DIGEST = `sha256:0123456789abcdef${'0'.repeat(48)}`;

describe('a template', () => {
  it.each([
    ['{tag}-soci', 'v1-soci'],
    ['soci-{tag}', 'soci-v1'],
    ['soci-{digest12}', 'soci-0123456789ab'],
    ['{tag}.{digest12}', 'v1.0123456789ab'],
    ['{tag}_{tag}', 'v1_v1'],
  ])('%s makes %s', (template, tag) => {
    expect(parseOutputTag(template).format({ tag: 'v1', digest: DIGEST })).toBe(tag);
  });

  it('of none makes none', () => {
    expect(parseOutputTag('none')).toMatchObject({ needsTag: false, ownFilter: undefined });
    expect(parseOutputTag('none').format({ tag: 'v1', digest: DIGEST })).toBeUndefined();
  });

  it('says whether an image without a tag has one of these', () => {
    expect(parseOutputTag('{tag}-soci').needsTag).toBe(true);
    expect(parseOutputTag('{digest12}').needsTag).toBe(false);
  });

  it.each(['{tag}-soci', 'soci-{digest12}', '{tag}.{digest12}'])('%s tells its tags from others', (template) => {
    const { format, ownFilter = '' } = parseOutputTag(template);
    const [own] = parseFilters(ownFilter).include;
    expect(own?.matches(`team/app:${format({ tag: 'v1', digest: DIGEST })}`)).toBe(true);
    expect(own?.matches('team/app:v1')).toBe(false);
  });
});

describe('refused is', () => {
  it.each([
    ['{name}', '"{name}" is no placeholder: there are {tag} and {digest12}'],
    ['{}-soci', '"{}" is no placeholder'],
    ['latest', 'has no placeholder, so that every image would get the same tag'],
    ['{tag}', 'would take the tag away from the image itself'],
    ['-{tag}', 'makes no tag'],
    ['{tag} soci', 'makes no tag'],
    ['{tag}:soci', 'makes no tag'],
    ['{tag', 'has no placeholder'],
    ['{tag}}', 'makes no tag'],
    [`{tag}-${'x'.repeat(200)}`, 'makes no tag'],
  ])('%s', (template, problem) => {
    expect(() => parseOutputTag(template)).toThrow(problem);
  });
});
