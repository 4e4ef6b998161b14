import { type Descriptor, normalizePlatform, type Platform } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { compareStrings } from '../go-json/string.ts';

// Compares platforms like containerd (github.com/containerd/platforms v1.0.0-rc.5), so that the same manifest is indexed
// for each platform.

/** Normalizes a platform: `x86_64` becomes `amd64`, `armhf` becomes `arm/v7` (platforms.go, `Normalize`). */
export function normalizeAsGo(platform: Platform): Platform {
  const normal = normalizePlatform(platform);
  const features = normal['os.features']?.toSorted(compareStrings);
  // Go replaces an empty name with the system of the host. soci runs only on Linux.
  return { ...normal, os: normal.os === '' ? 'linux' : normal.os, ...(features && { 'os.features': features }) };
}

/** Returns whether a manifest with the platform `candidate` can be used for the wanted platform. */
export type PlatformMatcher = (candidate: Platform) => boolean;

/**
 * Matches platforms with the same system, architecture and variant as `wanted`, only features that `wanted` has, and on
 * Windows a compatible version (compare.go, `OnlyStrict`).
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

/** For compatibility, a single feature `win32k` is ignored (platforms.go). */
function isOnlyWin32k(feature: string, candidate: Platform): boolean {
  return feature === 'win32k' && candidate['os.features']?.filter((name) => name === 'win32k').length === 1;
}

interface WindowsVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

const NO_VERSION: WindowsVersion = { major: 0, minor: 0, build: 0 };

/** Builds of long-term releases that also run containers of older builds: Windows Server 2022 and 2025. */
const LONG_TERM_BUILDS = [20348, 26100] as const;

/** Parses `major.minor.build`; ignores a revision (platform_windows_compat.go, `getWindowsOSVersion`). */
function parseWindowsVersion(version = ''): WindowsVersion {
  const [major = '', minor = '', build] = version.split('.');
  if (build === undefined || ![major, minor, build].every((part) => /^[0-9]+$/.test(part))) return NO_VERSION;
  const parsed = { major: Number(major), minor: Number(minor), build: Number(build) };
  return parsed.major > 0xff || parsed.minor > 0xff || parsed.build > 0xffff ? NO_VERSION : parsed;
}

/** See platform_windows_compat.go, `windowsVersionMatcher` and `checkWindowsHostAndContainerCompat`. */
function runsOnWindows(host: WindowsVersion, version = ''): boolean {
  if ((host.major === 0 && host.minor === 0 && host.build === 0) || version === '') return true;
  const container = parseWindowsVersion(version);
  if (host.major !== container.major || host.minor !== container.minor) return false;
  if (host.build < LONG_TERM_BUILDS[0]) return host.build === container.build;
  // A kernel runs containers with builds from Windows Server 2022 up to its own build.
  const oldest = LONG_TERM_BUILDS[0];
  return oldest <= container.build && container.build <= host.build;
}

/** Removes platforms that are equal to an earlier one after normalization. */
export function distinctPlatforms(platforms: readonly Platform[]): Platform[] {
  const seen = new Set<string>();
  return platforms.filter((platform) => {
    const key = JSON.stringify(normalizeAsGo(platform));
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

/**
 * Checks the number of platforms of an image.
 *
 * @param entries - Entries of the image index. Only those with a platform count.
 * @throws SociIndexError `LIMIT_EXCEEDED`
 */
export function checkPlatformCount(image: Descriptor, entries: readonly Descriptor[], maxPlatforms: number): void {
  const platforms = distinctPlatforms(entries.flatMap(({ platform }) => (platform === undefined ? [] : [platform])));
  if (platforms.length <= maxPlatforms) return;
  const message = `image ${image.digest} has ${platforms.length} platforms, the limit is ${maxPlatforms}`;
  throw new SociIndexError('LIMIT_EXCEEDED', message, { digest: image.digest });
}

/** Removes platforms that an earlier one matches (soci-snapshotter v0.16.1, util/ociutil, `DedupePlatforms`). */
export function dedupePlatforms(platforms: readonly Platform[]): Platform[] {
  const matchers: PlatformMatcher[] = [];
  return platforms.filter((platform) => {
    if (matchers.some((matches) => matches(normalizeAsGo(platform)))) return false;
    matchers.push(matchPlatform(platform));
    return true;
  });
}
