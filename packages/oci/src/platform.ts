import { asObject, optionalString, optionalStrings, stringField } from './document.ts';
import { OciError, showValue } from './errors.ts';

/**
 * Platform of an image.
 *
 * @see OCI image-spec v1.1, image-index.md, `platform`
 */
export interface Platform {
  /** GOARCH value, such as `amd64`. */
  readonly architecture: string;
  /** GOOS value, such as `linux`. */
  readonly os: string;
  /** Version of the operating system, such as `10.0.20348.2159`. Set for Windows images. */
  readonly 'os.version'?: string;
  /** Required features of the operating system, such as `win32k`. */
  readonly 'os.features'?: readonly string[];
  /** CPU variant, such as `v7` for `arm`. */
  readonly variant?: string;
}

const OS_PATTERN = /^([\w-]{1,64})(?:\(([\w.%-]{0,128})((?:\+[\w.%-]{1,128}){0,32})\))?$/;
const PART_PATTERN = /^[\w.-]{1,64}$/;

// Go's list, as in containerd/platforms, database.go. One of these words alone is an operating system, not an
// architecture.
const KNOWN_SYSTEMS = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux macos nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  ),
);

/**
 * Parses a platform string: `linux/arm64`, `linux/arm/v6`, `windows(10.0.20348)/amd64`, or `arm64` for `linux/arm64`.
 * An operating system without an architecture is rejected. containerd would use the architecture of its own machine,
 * but the result must not depend on the machine.
 *
 * @throws OciError `PLATFORM_INVALID`
 * @see github.com/containerd/platforms v1.0.0-rc.5, platforms.go, `Parse`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/', 4);
  const [first = '', ...rest] = parts;
  if (rest.length === 0 && !KNOWN_SYSTEMS.has(first.toLowerCase()) && PART_PATTERN.test(first)) {
    return makePlatform('linux', first, '');
  }
  const system = OS_PATTERN.exec(first);
  if (system === null || rest.length < 1 || rest.length > 2 || !rest.every((part) => PART_PATTERN.test(part))) {
    const message = `invalid platform ${showValue(text)}: use OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, such as linux/arm64`;
    throw new OciError('PLATFORM_INVALID', message);
  }
  const version = decodeOption(system[2] ?? '', text);
  const features = (system[3] ?? '')
    .split('+')
    .filter((feature) => feature !== '')
    .map((feature) => decodeOption(feature, text));
  return {
    ...makePlatform(system[1] as string, rest[0] as string, rest[1] ?? ''),
    ...(version !== '' && { 'os.version': version }),
    ...(features.length > 0 && { 'os.features': features }),
  };
}

/** Formats a platform for {@link parsePlatform}, including version and features of the operating system. */
export function formatPlatform(platform: Platform): string {
  if (platform.os === '') return 'unknown';
  const version = encodeOption(platform['os.version'] ?? '');
  const features = [...new Set(platform['os.features'])].filter((feature) => feature !== '').toSorted();
  const options = [version, ...features.map(encodeOption)].join('+');
  const system = options === '' ? platform.os : `${platform.os}(${options})`;
  return [system, platform.architecture, platform.variant].filter(Boolean).join('/');
}

/**
 * Returns the canonical form: lower case, GOARCH names (`amd64` for `x86_64`, `arm64` for `aarch64`), without the
 * default variants of `arm64` (v8) and `amd64` (v1), with the default variant of `arm` (v7), features sorted. Platforms
 * are equal if their canonical forms are.
 *
 * @see github.com/containerd/platforms v1.0.0-rc.5, platforms.go, `Normalize`, and database.go
 */
export function normalizePlatform(platform: Platform): Platform {
  const { architecture, variant } = normalizeArchitecture(platform.architecture, platform.variant ?? '');
  const features = platform['os.features'];
  return {
    architecture,
    os: normalizeSystem(platform.os),
    ...(platform['os.version'] && { 'os.version': platform['os.version'] }),
    ...(features && features.length > 0 && { 'os.features': [...new Set(features)].toSorted() }),
    ...(variant !== '' && { variant }),
  };
}

/**
 * Reports whether an image for `offered` matches `wanted`: same operating system, architecture and variant in canonical
 * form, as in containerd's `OnlyStrict` (`arm/v6` does not match `arm/v7`). All offered features must be wanted. Versions are
 * compared only if both have one, by major, minor and build number.
 */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  const left = normalizePlatform(wanted);
  const right = normalizePlatform(offered);
  const wantedFeatures = left['os.features'] ?? [];
  return (
    left.os === right.os &&
    left.architecture === right.architecture &&
    left.variant === right.variant &&
    (right['os.features'] ?? []).every((feature) => wantedFeatures.includes(feature)) &&
    sameBuild(left['os.version'], right['os.version'])
  );
}

/**
 * Parses and checks the JSON value of a platform, without normalizing it.
 *
 * @throws OciError `MANIFEST_INVALID`
 * @see OCI image-spec v1.1, image-index.md, `platform`
 */
export function parsePlatformObject(value: unknown, where: string): Platform {
  const object = asObject(value, where);
  const version = optionalString(object, 'os.version', where);
  const features = optionalStrings(object, 'os.features', where);
  const variant = optionalString(object, 'variant', where);
  return {
    architecture: stringField(object, 'architecture', where),
    os: stringField(object, 'os', where),
    ...(version && { 'os.version': version }),
    ...(features && { 'os.features': features }),
    ...(variant && { variant }),
  };
}

/**
 * Creates a platform from text. Differs from the canonical form: `arm` has no default v7, and `arm64/v8` keeps its
 * variant.
 */
function makePlatform(os: string, architecture: string, variant: string): Platform {
  const normal = normalizeArchitecture(architecture, variant);
  let kept = normal.variant;
  if (variant === '' && normal.architecture === 'arm' && kept === 'v7') kept = '';
  if (variant !== '' && normal.architecture === 'arm64' && kept === '') kept = 'v8';
  return { architecture: normal.architecture, os: normalizeSystem(os), ...(kept !== '' && { variant: kept }) };
}

function normalizeSystem(os: string): string {
  const lower = os.toLowerCase();
  return lower === 'macos' ? 'darwin' : lower;
}

function normalizeArchitecture(architecture: string, variant: string): { architecture: string; variant: string } {
  const name = architecture.toLowerCase();
  const level = variant.toLowerCase();
  switch (name) {
    case 'i386':
      return { architecture: '386', variant: '' };
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return { architecture: 'amd64', variant: level === 'v1' ? '' : level };
    case 'aarch64':
    case 'arm64':
      if (level === '8' || level === 'v8' || level === 'v8.0') return { architecture: 'arm64', variant: '' };
      if (level === '9' || level === '9.0' || level === 'v9.0') return { architecture: 'arm64', variant: 'v9' };
      return { architecture: 'arm64', variant: level };
    case 'armhf':
      return { architecture: 'arm', variant: 'v7' };
    case 'armel':
      return { architecture: 'arm', variant: 'v6' };
    case 'arm':
      if (level === '') return { architecture: 'arm', variant: 'v7' };
      return { architecture: 'arm', variant: /^[5-8]$/.test(level) ? `v${level}` : level };
    default:
      return { architecture: name, variant: level };
  }
}

function sameBuild(wanted: string | undefined, offered: string | undefined): boolean {
  if (!wanted || !offered) return true;
  const build = (version: string) => version.split('.', 3).join('.');
  return build(wanted) === build(offered);
}

function encodeOption(text: string): string {
  return text.replace(/[%+()/]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decodeOption(text: string, platform: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new OciError('PLATFORM_INVALID', `${showValue(platform)} has an invalid % escape: ${showValue(text)}`, {
      cause,
    });
  }
}
