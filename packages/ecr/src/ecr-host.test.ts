import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EcrHost, formatEcrHost, isEcrPublicHost, parseEcrHost } from './ecr-host.ts';

const ACCOUNT = '123456789012';

describe('parseEcrHost', () => {
  it.each([
    ['dkr.ecr.us-west-2.amazonaws.com', 'aws', 'us-west-2', false, false],
    ['dkr.ecr-fips.us-east-1.amazonaws.com', 'aws', 'us-east-1', true, false],
    ['dkr-ecr.eu-central-1.on.aws', 'aws', 'eu-central-1', false, true],
    ['dkr-ecr-fips.us-west-2.on.aws', 'aws', 'us-west-2', true, true],
    ['dkr.ecr.mx-central-1.amazonaws.com', 'aws', 'mx-central-1', false, false],
    ['dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'aws-us-gov', 'us-gov-west-1', true, false],
    ['dkr-ecr-fips.us-gov-west-1.on.aws', 'aws-us-gov', 'us-gov-west-1', true, true],
    ['dkr.ecr.cn-north-1.amazonaws.com.cn', 'aws-cn', 'cn-north-1', false, false],
    ['dkr-ecr.cn-north-1.on.amazonwebservices.com.cn', 'aws-cn', 'cn-north-1', false, true],
    ['dkr.ecr.us-iso-east-1.c2s.ic.gov', 'aws-iso', 'us-iso-east-1', false, false],
    ['dkr-ecr.us-iso-west-1.on.aws.ic.gov', 'aws-iso', 'us-iso-west-1', false, true],
    ['dkr.ecr.us-isob-east-1.sc2s.sgov.gov', 'aws-iso-b', 'us-isob-east-1', false, false],
    ['dkr-ecr.us-isob-east-1.on.aws.scloud', 'aws-iso-b', 'us-isob-east-1', false, true],
    ['dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk', 'aws-iso-e', 'eu-isoe-west-1', false, false],
    ['dkr-ecr.eu-isoe-west-1.on.cloud-aws.adc-e.uk', 'aws-iso-e', 'eu-isoe-west-1', false, true],
    ['dkr.ecr.us-isof-south-1.csp.hci.ic.gov', 'aws-iso-f', 'us-isof-south-1', false, false],
    ['dkr-ecr.us-isof-south-1.on.aws.hci.ic.gov', 'aws-iso-f', 'us-isof-south-1', false, true],
    ['dkr.ecr.eusc-de-east-1.amazonaws.eu', 'aws-eusc', 'eusc-de-east-1', false, false],
    ['dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu', 'aws-eusc', 'eusc-de-east-1', false, true],
  ])('parses %s', (rest, partition, region, fips, dualStack) => {
    expect(parseEcrHost(`${ACCOUNT}.${rest}`)).toEqual({ account: ACCOUNT, region, partition, fips, dualStack });
  });

  it('ignores case', () => {
    expect(parseEcrHost(`${ACCOUNT}.DKR.ECR.EU-WEST-1.AmazonAWS.com`)?.region).toBe('eu-west-1');
  });

  it.each([
    ['more after the suffix', `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.example.org`],
    ['more before the name', `evil.${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com`],
    ['a trailing line break', `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com\n`],
    ['a trailing dot', `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.`],
    ['a similar domain', `${ACCOUNT}.dkr.ecr.us-east-1.xamazonaws.com`],
    ['a port', `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com:443`],
    ['a user', `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com@example.org`],
    ['11 digits', '12345678901.dkr.ecr.us-east-1.amazonaws.com'],
    ['13 digits', '1234567890123.dkr.ecr.us-east-1.amazonaws.com'],
    ['the IPv4 name with the dual-stack suffix', `${ACCOUNT}.dkr.ecr.us-east-1.on.aws`],
    ['the dual-stack name with the IPv4 suffix', `${ACCOUNT}.dkr-ecr.us-east-1.amazonaws.com`],
    ['a Region of aws-cn with the suffix of aws', `${ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com`],
    ['a Region of aws with the suffix of aws-cn', `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.cn`],
    ['a Region of aws-iso with the suffix of aws', `${ACCOUNT}.dkr.ecr.us-iso-east-1.amazonaws.com`],
    ['an invalid Region', `${ACCOUNT}.dkr.ecr.example.amazonaws.com`],
    ['ECR Public', 'public.ecr.aws'],
    ['the API', 'api.ecr.us-east-1.amazonaws.com'],
    ['an empty string', ''],
  ])('returns undefined for %s', (_what, host) => {
    expect(parseEcrHost(host)).toBeUndefined();
  });

  it('is the inverse of formatEcrHost', () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 12, maxLength: 12 });
    const prefix = fc.constantFrom(
      'us',
      'eu',
      'ap',
      'us-gov',
      'cn',
      'eusc-de',
      'us-iso',
      'us-isob',
      'eu-isoe',
      'us-isof',
    );
    const direction = fc.constantFrom('north', 'southeast', 'central', 'west');
    const host = fc.record({
      account: digits.map((list) => list.join('')),
      region: fc.tuple(prefix, direction, fc.integer({ min: 1, max: 9 })).map((parts) => parts.join('-')),
      fips: fc.boolean(),
      dualStack: fc.boolean(),
    });
    fc.assert(
      fc.property(host, (parts) => {
        const name = formatEcrHost(parts) as string;
        const parsed = parseEcrHost(name) as EcrHost;
        expect(parsed).toMatchObject(parts);
        expect(formatEcrHost(parsed)).toBe(name);
      }),
    );
  });
});

describe('formatEcrHost', () => {
  it.each([
    ['an unknown Region', { account: ACCOUNT, region: 'moon-base-alpha-1' }],
    ['an invalid account', { account: '1', region: 'us-east-1' }],
    ['a Region followed by a host', { account: ACCOUNT, region: 'us-east-1.example.org/' }],
  ])('returns undefined for %s', (_what, parts) => {
    expect(formatEcrHost(parts)).toBeUndefined();
  });
});

describe('isEcrPublicHost', () => {
  it('is true only for the two hosts of ECR Public', () => {
    expect(['public.ecr.aws', 'ecr-public.aws.com', 'PUBLIC.ecr.aws'].map(isEcrPublicHost)).toEqual([true, true, true]);
    expect(['public.ecr.aws.example', 'gallery.ecr.aws', ''].map(isEcrPublicHost)).toEqual([false, false, false]);
  });
});
