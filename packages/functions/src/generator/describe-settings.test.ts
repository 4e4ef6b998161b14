import { settingsDigest } from '@soci/index';
import { expect, it } from 'vitest';
import { readGeneratorSettings } from '../environment/generator-settings.ts';
import { describeSettings } from './describe-settings.ts';
import { asksForSettings } from './settings-request.ts';

const describeWith = (environment: Record<string, string>) =>
  describeSettings(readGeneratorSettings(environment)).settings;

it('describes the indexes of the default settings', () => {
  expect(describeWith({})).toEqual({
    version: 2,
    outputTag: '{tag}-soci',
    hasProvenance: true,
    settingsDigest: settingsDigest(2, {}),
  });
});

it('has the digest that the indexes get', () => {
  const environment = { soci_span_size: '65536', soci_min_layer_size: '1000', soci_recompress: 'zstd' };
  const digest = settingsDigest(2, { spanSize: 65_536, minLayerSize: 1000, recompress: ['zstd'] });
  expect(describeWith(environment)).toMatchObject({ settingsDigest: digest });
  // The memory of the function does not change the indexes.
  expect(describeWith({ ...environment, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3538' })).toMatchObject({
    settingsDigest: digest,
  });
});

it('has no digest if it depends on the repository, and no provenance with soci_compat', () => {
  expect(describeWith({ soci_span_size: 'auto' })).toEqual({
    version: 2,
    outputTag: '{tag}-soci',
    hasProvenance: true,
  });
  expect(describeWith({ soci_use_stored_profile: 'true' })).not.toHaveProperty('settingsDigest');
  expect(describeWith({ soci_compat: 'soci-cli' })).toMatchObject({ hasProvenance: false });
  expect(describeWith({ soci_compat: 'soci-cli' })).not.toHaveProperty('settingsDigest');
});

it.each([
  [{ describe: 'settings' }, true],
  [{ describe: 'other' }, false],
  [{ source: 'aws.ecr' }, false],
  [null, false],
])('answers the request %j: %s', (input, expected) => {
  expect(asksForSettings(input)).toBe(expected);
});
