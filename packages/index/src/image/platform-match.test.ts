import { parsePlatform } from '@soci/oci';
import { describe, expect, it } from 'vitest';
import { dedupePlatforms, matchPlatform, normalizeAsGo } from './platform-match.ts';

const matches = (wanted: string, candidate: string) => matchPlatform(parsePlatform(wanted))(parsePlatform(candidate));

describe('matchPlatform', () => {
  it.each([
    ['linux/amd64', 'linux/x86_64', true],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm', 'linux/arm/v7', true],
    ['linux/arm/v7', 'linux/arm/v6', false],
    ['linux/amd64', 'linux/amd64/v2', false],
    ['linux/amd64', 'linux/386', false],
    ['linux/amd64', 'windows/amd64', false],
  ])('%s matches %s: %s', (wanted, candidate, expected) => {
    expect(matches(wanted, candidate)).toBe(expected);
  });

  it('does not match a platform with additional features', () => {
    expect(matches('linux(+a+b)/amd64', 'linux(+a)/amd64')).toBe(true);
    expect(matches('linux(+a)/amd64', 'linux(+a+b)/amd64')).toBe(false);
    expect(matches('linux/amd64', 'linux/amd64')).toBe(true);
  });

  // containerd/platforms v1.0.0-rc.5, platform_windows_compat_test.go
  it.each([
    ['10.0.17763.1', '10.0.17763.99', true],
    ['10.0.20348', '10.0.17763', false],
    ['10.0.26100', '10.0.20348', true],
    ['10.0.20348', '10.0.26100', false],
    ['10.0.22621', '10.0.20348', true],
    ['11.0.26100', '10.0.20348', false],
    ['not.a.version', '10.0.20348', true],
  ])('on Windows, version %s runs %s: %s', (host, container, expected) => {
    expect(matches(`windows(${host})/amd64`, `windows(${container})/amd64`)).toBe(expected);
  });

  it('ignores a single win32k feature on Windows', () => {
    const windows = parsePlatform('windows/amd64');
    expect(matchPlatform(windows)({ ...windows, 'os.features': ['win32k'] })).toBe(true);
    expect(matchPlatform(windows)({ ...windows, 'os.features': ['win32k', 'win32k'] })).toBe(false);
  });
});

it('replaces an empty system with linux', () => {
  expect(normalizeAsGo({ os: '', architecture: 'aarch64' })).toEqual({
    os: 'linux',
    architecture: 'arm64',
  });
});

it('removes platforms that an earlier one matches', () => {
  const platforms = ['linux/amd64', 'linux/x86_64', 'linux/arm64', 'linux/arm64/v8', 'linux/arm/v6'].map((text) =>
    parsePlatform(text),
  );
  expect(dedupePlatforms(platforms).map(({ architecture }) => architecture)).toEqual(['amd64', 'arm64', 'arm']);
});
