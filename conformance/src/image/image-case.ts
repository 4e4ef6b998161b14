import { Random } from '@soci/test-content';
import type { Content } from '../layer/content.ts';
import { soundTar } from '../layer/random-tar.ts';
import type { TarShape } from '../layer/tar.ts';

/** A layer of an image, and its descriptor. */
export interface LayerSpec {
  readonly mediaType: string;
  /** Actual encoding of the blob. An 'opaque' blob is not an archive. */
  readonly encoding: 'gzip' | 'plain' | 'opaque';
  readonly tar: TarShape;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image for one platform. */
export interface ImageSpec {
  readonly platform: Readonly<Record<string, unknown>>;
  readonly isDocker: boolean;
  readonly layers: readonly LayerSpec[];
  /** Additional members of the manifest, of its config descriptor, and of the descriptor that refers to it. */
  readonly manifestExtra: Readonly<Record<string, unknown>>;
  readonly configExtra: Readonly<Record<string, unknown>>;
  readonly descriptorExtra: Readonly<Record<string, unknown>>;
  /** Adds a BuildKit attestation to the image. */
  readonly isAttested: boolean;
}

/** Options of an index, for our build and the reference. */
export interface IndexRequest {
  readonly version: 1 | 2;
  readonly spanSize: number;
  readonly minLayerSize: number;
  readonly xattr: boolean;
  readonly prefetch: readonly string[];
}

/** A comparison of one image, as plain data. */
export interface ImageCase {
  readonly images: readonly ImageSpec[];
  /** Puts the images in an image index. Required for several images. */
  readonly isIndexed: boolean;
  readonly isDockerList: boolean;
  readonly indexExtra: Readonly<Record<string, unknown>>;
  readonly request: IndexRequest;
}

const PLATFORMS = [
  { architecture: 'amd64', os: 'linux' },
  { architecture: 'arm64', os: 'linux' },
  { architecture: 'arm64', os: 'linux', variant: 'v8' },
  { architecture: 'arm', os: 'linux', variant: 'v7' },
  { architecture: 'arm', os: 'linux', variant: 'v6' },
  { architecture: 's390x', os: 'linux' },
  { architecture: 'amd64', os: 'windows', 'os.version': '10.0.20348.2' },
] as const;

const GZIP_TYPES = [
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
];
const PLAIN_TYPES = ['application/vnd.oci.image.layer.v1.tar', 'application/vnd.docker.image.rootfs.diff.tar'];
const OTHER_TYPES = [
  'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.in-toto+json',
  'application/octet-stream',
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
];

/** Strings that JSON encoders write in different ways. */
const TEXTS = ['plain', '', 'a<b>&"c\\', '\u2028 and \u2029', 'tab\tnewline\n', 'grüße 日本 😀', '\u0000\u001f\u007f'];

/** Returns the case of a seed and a number. */
export function randomImageCase(seed: number, number: number): ImageCase {
  const random = new Random(seed, number, 2);
  const count = random.weighted([
    [5, 1],
    [3, 2],
    [1, 3],
  ]);
  const platforms = [...PLATFORMS];
  const images = random.list(count, () =>
    randomImage(random, platforms.splice(random.between(0, platforms.length - 1), 1)[0] ?? {}),
  );
  return {
    images,
    isIndexed: count > 1 || random.chance(0.4),
    isDockerList: random.chance(0.3),
    indexExtra: randomAnnotations(random),
    request: {
      version: random.pick([1, 2, 2]),
      spanSize: random.pick([1000, 65_536, 4 << 20]),
      minLayerSize: random.pick([0, 0, 0, 500, 5000]),
      xattr: random.chance(0.4),
      prefetch: random.chance(0.25) ? prefetchPaths(random, images) : [],
    },
  };
}

function randomImage(random: Random, platform: Readonly<Record<string, unknown>>): ImageSpec {
  const layers = random.list(random.between(1, 4), () => randomLayer(random));
  if (random.chance(0.15)) layers.push(random.pick(layers));
  return {
    platform,
    isDocker: random.chance(0.35),
    layers,
    manifestExtra: {
      ...randomAnnotations(random),
      ...(random.chance(0.05) && { artifactType: 'application/x' }),
      ...(random.chance(0.1) && { unknown: { member: [1, null] } }),
    },
    configExtra: random.chance(0.1) ? randomAnnotations(random) : {},
    descriptorExtra: {
      ...randomAnnotations(random),
      ...(random.chance(0.05) && { urls: ['https://example.com/<a>'] }),
    },
    isAttested: random.chance(0.15),
  };
}

function randomLayer(random: Random): LayerSpec {
  const encoding = random.weighted([
    [12, 'gzip'],
    [4, 'plain'],
    [1, 'opaque'],
  ] as const);
  const types = { gzip: GZIP_TYPES, plain: PLAIN_TYPES, opaque: OTHER_TYPES }[encoding];
  return {
    encoding,
    mediaType: random.chance(0.02) ? random.pick([...GZIP_TYPES, ...PLAIN_TYPES, ...OTHER_TYPES]) : random.pick(types),
    tar: soundTar(random, random.magnitude(100, 60_000)),
    ...(random.chance(0.1) && { annotations: { 'org.example.layer': random.pick(TEXTS) } }),
  };
}

function randomAnnotations(random: Random): { annotations?: Record<string, string> } {
  if (!random.chance(0.35)) return {};
  const names = ['org.opencontainers.image.created', 'Z', 'a', 'é', 'with <brackets>', 'com.example.😀'];
  return {
    annotations: Object.fromEntries(random.list(random.between(1, 4), () => [random.pick(names), random.pick(TEXTS)])),
  };
}

/** Returns paths of existing files, as in the archive or with a leading slash, and one of a missing file. */
function prefetchPaths(random: Random, images: readonly ImageSpec[]): string[] {
  const files = images
    .flatMap(({ layers }) => layers.flatMap(({ tar }) => tar.entries))
    .filter(
      ({ type, name, pax, content }) =>
        type === '0' && pax === undefined && /^[\w./-]{1,90}$/.test(name) && isNotEmpty(content),
    )
    .map(({ name }) => name);
  const choices = ['absent', ...files, ...files.map((name) => `/${name}`)];
  return random.list(random.between(1, 3), () => random.pick(choices));
}

function isNotEmpty(content: Content): boolean {
  return content.size > 0;
}
