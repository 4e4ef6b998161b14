import { describe, expect, test } from 'vitest';
import { formatPlatform, normalizePlatform, type Platform, parsePlatform, platformMatches } from './platform.ts';

const linux = (architecture: string, variant?: string): Platform => ({
  architecture,
  os: 'linux',
  ...(variant !== undefined && { variant }),
});

// From containerd/platforms v1.0.0-rc.5, platforms_test.go, TestParseSelector: text, parsed platform, matching
// platforms and formatted text. Without the cases that depend on the operating system or architecture of the machine.
const SELECTORS: readonly (readonly [string, Platform, readonly Platform[], string])[] = [
  ['linux/arm64', linux('arm64'), [linux('aarch64'), linux('aarch64', 'v8'), linux('arm64', 'v8')], 'linux/arm64'],
  [
    'linux/arm64/v8',
    linux('arm64', 'v8'),
    [linux('aarch64'), linux('aarch64', 'v8'), linux('arm64')],
    'linux/arm64/v8',
  ],
  ['linux/arm', linux('arm'), [linux('arm', 'v7'), linux('armhf'), linux('arm', '7')], 'linux/arm'],
  ['linux/arm/v6', linux('arm', 'v6'), [linux('armel')], 'linux/arm/v6'],
  ['linux/arm/v7', linux('arm', 'v7'), [linux('arm'), linux('armhf')], 'linux/arm/v7'],
  ['arm', linux('arm'), [], 'linux/arm'],
  ['armel', linux('arm', 'v6'), [], 'linux/arm/v6'],
  ['armhf', linux('arm'), [], 'linux/arm'],
  ['Aarch64', linux('arm64'), [], 'linux/arm64'],
  ['x86_64', linux('amd64'), [], 'linux/amd64'],
  ['Linux/x86_64', linux('amd64'), [], 'linux/amd64'],
  ['i386', linux('386'), [], 'linux/386'],
  ['s390x', linux('s390x'), [], 'linux/s390x'],
  ['linux/s390x', linux('s390x'), [], 'linux/s390x'],
  ['macOS/arm64', { architecture: 'arm64', os: 'darwin' }, [], 'darwin/arm64'],
  ['windows()/amd64', { architecture: 'amd64', os: 'windows' }, [], 'windows/amd64'],
  [
    'windows(10.0.17763+win32k)/amd64',
    { architecture: 'amd64', os: 'windows', 'os.version': '10.0.17763', 'os.features': ['win32k'] },
    [],
    'windows(10.0.17763+win32k)/amd64',
  ],
  [
    'linux(+unsorted+erofs)/amd64',
    { architecture: 'amd64', os: 'linux', 'os.features': ['unsorted', 'erofs'] },
    [],
    'linux(+erofs+unsorted)/amd64',
  ],
  [
    'windows(10.0.17763%2Bbuild.42)/amd64',
    { architecture: 'amd64', os: 'windows', 'os.version': '10.0.17763+build.42' },
    [],
    'windows(10.0.17763%2Bbuild.42)/amd64',
  ],
];

describe.each(SELECTORS)('%s', (text, platform, matches, written) => {
  test('is parsed as in containerd', () => expect(parsePlatform(text)).toEqual(platform));

  test('matches itself and equivalent platforms', () => {
    for (const other of [platform, ...matches]) expect(platformMatches(platform, other)).toBe(true);
  });

  test(`is formatted as ${written}, which parses to the same platform`, () => {
    expect(formatPlatform(platform)).toBe(written);
    expect(formatPlatform(parsePlatform(written))).toBe(written);
  });
});

// From the same file, TestParseSelectorInvalid, plus four additional cases at the end.
test.each([
  '',
  '/linux/arm',
  'linux/arm/',
  'linux /arm',
  'linux/&arm',
  'linux/arm/foo/bar',
  'linux',
  'windows(10.0)',
  'linux(%zz)/amd64',
  `linux/${'a'.repeat(100_000)}`,
])('rejects the platform %j', (text) => {
  expect(() => parsePlatform(text.slice())).toThrow(expect.objectContaining({ code: 'PLATFORM_INVALID' }));
});

describe('normalizePlatform', () => {
  test.each([
    [linux('x86-64', 'v1'), linux('amd64')],
    [linux('amd64', 'v3'), linux('amd64', 'v3')],
    [linux('aarch64', '8'), linux('arm64')],
    [linux('arm64', 'v9.0'), linux('arm64', 'v9')],
    [linux('ARM', '5'), linux('arm', 'v5')],
    [linux('i386', 'sse'), linux('386')],
    [
      { architecture: 'riscv64', os: 'macOS' },
      { architecture: 'riscv64', os: 'darwin' },
    ],
    [
      { architecture: 'amd64', os: 'linux', 'os.features': ['b', 'a', 'b'] },
      { architecture: 'amd64', os: 'linux', 'os.features': ['a', 'b'] },
    ],
  ])('%j becomes %j', (platform, normal) => expect(normalizePlatform(platform)).toEqual(normal));
});

describe('platformMatches', () => {
  test('does not match a lower variant or another architecture', () => {
    expect(platformMatches(linux('arm', 'v7'), linux('arm', 'v6'))).toBe(false);
    expect(platformMatches(linux('amd64'), linux('386'))).toBe(false);
    expect(platformMatches(linux('amd64'), { architecture: 'amd64', os: 'windows' })).toBe(false);
    expect(platformMatches(linux('amd64'), { architecture: 'unknown', os: 'unknown' })).toBe(false);
  });

  test('requires that every offered feature is wanted', () => {
    const featured = { ...linux('amd64'), 'os.features': ['gpu'] };
    expect(platformMatches(featured, linux('amd64'))).toBe(true);
    expect(platformMatches(linux('amd64'), featured)).toBe(false);
  });

  test('compares Windows versions by build if both platforms have one', () => {
    const windows = (version: string) => ({ architecture: 'amd64', os: 'windows', 'os.version': version });
    expect(platformMatches(windows('10.0.20348'), windows('10.0.20348.2159'))).toBe(true);
    expect(platformMatches(windows('10.0.20348'), windows('10.0.17763.1'))).toBe(false);
    expect(platformMatches({ architecture: 'amd64', os: 'windows' }, windows('10.0.17763.1'))).toBe(true);
  });
});

test('a platform without an operating system is formatted as unknown', () => {
  expect(formatPlatform({ architecture: 'amd64', os: '' })).toBe('unknown');
});
