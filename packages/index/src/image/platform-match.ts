import { normalizePlatform, type Platform } from '@soci/oci';
import { compareStrings } from '../go-json/string.ts';

// Platforms are compared as containerd does (github.com/containerd/platforms v1.0.0-rc.5), since that decides which
// manifest of an image is indexed for which platform.

/** A platform with its names in one spelling: `x86_64` is `amd64`, `armhf` is `arm/v7` (platforms.go, `Normalize`). */
export function normalizeAsGo(platform: Platform): Platform {
  const normal = normalizePlatform(platform);
  const features = normal['os.features']?.toSorted(compareStrings);
  // Go puts its host's system for an empty name; the reference runs on Linux only.
  return { ...normal, os: normal.os === '' ? 'linux' : normal.os, ...(features && { 'os.features': features }) };
}

/** Tells whether a manifest's platform serves the wanted one. */
export type PlatformMatcher = (candidate: Platform) => boolean;

/**
 * Matches what runs on `wanted` and on nothing less: same system, architecture and variant, no feature of the system
 * that `wanted` lacks, and on Windows a version that its kernel runs (compare.go, `OnlyStrict`).
 */
export function matchPlatform(wanted: Platform): PlatformMatcher {
  const own = normalizeAsGo(wanted);
  const ownFeatures = new Set(own['os.features'] ?? []);
  const isWindows = own.os === 'windows';
  const host = parseWindowsVersion(own['os.version']);
  return (candidate) => {
    const other = normalizeAsGo(candidate);
    if (other.os !== own.os || other.architecture !== own.architecture || other.variant !== own.variant) return false;
    if (isWindows && !runsOnWindows(host, candidate['os.version'])) return false;
    const features = other['os.features'] ?? [];
    return features.every((feature) => ownFeatures.has(feature) || (isWindows && isOnlyWin32k(feature, candidate)));
  };
}

/** Before they knew features, matchers took `win32k` as given: one mention of it still is (platforms.go). */
function isOnlyWin32k(feature: string, candidate: Platform): boolean {
  return feature === 'win32k' && candidate['os.features']?.filter((name) => name === 'win32k').length === 1;
}

interface WindowsVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

const NO_VERSION: WindowsVersion = { major: 0, minor: 0, build: 0 };

/** Builds of the long-term releases from which on older containers run: Windows Server 2022 and 2025. */
const LONG_TERM_BUILDS = [20348, 26100] as const;

/** platform_windows_compat.go, `getWindowsOSVersion`: `major.minor.build`, with what follows a third dot ignored. */
function parseWindowsVersion(version = ''): WindowsVersion {
  const [major = '', minor = '', build] = version.split('.');
  if (build === undefined || ![major, minor, build].every((part) => /^[0-9]+$/.test(part))) return NO_VERSION;
  const parsed = { major: Number(major), minor: Number(minor), build: Number(build) };
  return parsed.major > 0xff || parsed.minor > 0xff || parsed.build > 0xffff ? NO_VERSION : parsed;
}

/** platform_windows_compat.go, `windowsVersionMatcher` and `checkWindowsHostAndContainerCompat`. */
function runsOnWindows(host: WindowsVersion, version = ''): boolean {
  if ((host.major === 0 && host.minor === 0 && host.build === 0) || version === '') return true;
  const container = parseWindowsVersion(version);
  if (host.major !== container.major || host.minor !== container.minor) return false;
  if (host.build < LONG_TERM_BUILDS[0]) return host.build === container.build;
  // A kernel runs containers from the long-term release before its own generation's up to itself.
  const oldest = LONG_TERM_BUILDS[0];
  return oldest <= container.build && container.build <= host.build;
}

/** Drops the platforms that are the same as an earlier one of the list, however they are spelled. */
export function distinctPlatforms(platforms: readonly Platform[]): Platform[] {
  const seen = new Set<string>();
  return platforms.filter((platform) => {
    const key = JSON.stringify(normalizeAsGo(platform));
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

/** Drops platforms that an earlier one serves as well (soci-snapshotter v0.16.1, util/ociutil, `DedupePlatforms`). */
export function dedupePlatforms(platforms: readonly Platform[]): Platform[] {
  const matchers: PlatformMatcher[] = [];
  return platforms.filter((platform) => {
    if (matchers.some((matches) => matches(normalizeAsGo(platform)))) return false;
    matchers.push(matchPlatform(platform));
    return true;
  });
}
