// What indexing an image must never do, and what it says instead: one table for the library, the command line and the
// functions. Each runs every row over a registry of its own (see `GuardPath`).
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { contentOf } from './content.ts';
import {
  AMD64,
  type ImageContent,
  makeAttestation,
  makeBrokenLayer,
  makeHelmChart,
  makeImage,
  makeIndex,
  makeLayer,
  makeManifest,
  makeSignature,
  type PushTarget,
  pushImage,
} from './image.ts';

/** How the image `app:TAG` is indexed to `app:TAG-soci`, with layers of 1,000 bytes and more. */
export interface GuardRun {
  /** Tag of the image. @default 'v1' */
  readonly tag?: string;
  /** Index version. @default 2 */
  readonly version?: 1 | 2;
  /** Bytes. @default 4 MiB */
  readonly spanSize?: number;
  /** Whether the index is read back before it is written. @default false */
  readonly proves?: boolean;
  /** Whether it is made as the reference makes it, and as an earlier release did: without annotations. @default false */
  readonly compat?: boolean;
  /** Whether guards are overridden. Only where {@link GuardPath.canForce} says so. @default false */
  readonly force?: boolean;
}

/** A registry of a test, which redirects blobs to a storage of its own. */
export interface GuardRegistry extends PushTarget {
  tags(repository: string): readonly string[];
  manifest(repository: string, reference: string): { readonly digest: string; readonly bytes: Uint8Array } | undefined;
  checkGraph(repository: string, reference: string): readonly string[];
  inject(rule: object): { readonly hits: number; remove(): void };
}

/** One of the ways in which an image is indexed. */
export interface GuardPath {
  readonly registry: GuardRegistry;
  /**
   * Indexes an image.
   *
   * @returns `indexed`, `already-indexed`, or the reason why it is not, as the library names it; of an error what the path
   *   makes of it: `access-denied`, `image-invalid`, `gone`.
   */
  index(run: GuardRun): Promise<string>;
  /** Whether a user can override guards. */
  readonly canForce: boolean;
  /** What the path says instead of a reason of the library. @default the same */
  readonly sayings?: Readonly<Record<string, string>>;
}

/** A row of the table. */
export interface Guard {
  readonly name: string;
  /** Options of the test registry. */
  readonly registry?: { readonly immutableTags?: boolean };
  run(path: GuardPath): Promise<void>;
}

const SOCI_INDEX_V2 = 'application/vnd.amazon.soci.index.v2+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

const image = (name = 'app') => makeImage([makeLayer(`${name}-base`), makeLayer(name)]);

/** A SOCI index of nothing. */
const sociIndex = (version: 1 | 2) =>
  makeManifest(MANIFEST, contentOf(SOCI_INDEX_V2.replace('v2', `v${version}`), {}), [
    contentOf('application/octet-stream', {}),
  ]);

/** A SOCI-enabled image, as far as its image index tells. */
const enabledImage = () =>
  makeIndex([
    { made: image('another'), fields: { platform: AMD64 } },
    { made: sociIndex(2), fields: { artifactType: SOCI_INDEX_V2, platform: AMD64 } },
  ]);

const push = ({ registry }: GuardPath, tag: string, made: ImageContent) => pushImage(registry, 'app', tag, made);
const digestOf = ({ registry }: GuardPath, tag: string) => registry.manifest('app', tag)?.digest;

/** Does something while a layer is read: of what the storage is asked for the first is the configuration. */
async function whileReading<T>({ registry }: GuardPath, indexing: () => Promise<T>, act: () => unknown): Promise<T> {
  const slow = registry.inject({ on: { port: 'storage' }, after: 1, fault: { kind: 'slow', rate: 10_000 } });
  const running = indexing();
  while (slow.hits === 0) await sleep(10);
  await act();
  return running;
}

const DENIED = {
  times: Number.POSITIVE_INFINITY,
  fault: { kind: 'status', status: 403, body: '{"errors":[{"code":"DENIED","message":"not authorized"}]}' },
};

/** The name of each row says what is there, and what comes of it. */
export const GUARDS: readonly Guard[] = [
  ...[
    ['an image', image('somebody')],
    ['an artifact', makeHelmChart()],
  ].map(([what, made]) => ({
    name: `an output tag that names ${what as string}: tag-taken`,
    async run(path: GuardPath) {
      await push(path, 'v1', image());
      const taken = await push(path, 'v1-soci', made as ImageContent);
      expect(await path.index({})).toBe('tag-taken');
      expect(digestOf(path, 'v1-soci')).toBe(taken);
      if (!path.canForce) return;
      expect(await path.index({ force: true })).toBe('indexed');
      expect(path.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    },
  })),
  {
    name: 'an output tag that is taken while layers are read: tag-taken',
    async run(path) {
      await push(path, 'v1', image());
      const result = await whileReading(
        path,
        () => path.index({}),
        () => push(path, 'v1-soci', image('somebody')),
      );
      expect(result).toBe('tag-taken');
      expect(digestOf(path, 'v1-soci')).toBe(image('somebody').descriptor.digest);
    },
  },
  {
    name: 'an output tag that names another SOCI-enabled image: it moves',
    async run(path) {
      await push(path, 'v1', image());
      const before = await push(path, 'v1-soci', enabledImage());
      expect(await path.index({})).toBe('indexed');
      expect(digestOf(path, 'v1-soci')).not.toBe(before);
      expect(path.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    },
  },
  {
    name: 'a source tag that moves while layers are read: tag-moved',
    async run(path) {
      await push(path, 'v1', image());
      const result = await whileReading(
        path,
        () => path.index({}),
        () => push(path, 'v1', image('next')),
      );
      expect(result).toBe('tag-moved');
      expect(path.registry.tags('app')).toEqual(['v1']);
    },
  },
  {
    name: 'an immutable output tag that names another SOCI-enabled image: tag-immutable',
    registry: { immutableTags: true },
    async run(path) {
      await push(path, 'v1', image());
      expect(await path.index({ spanSize: 4096 })).toBe('indexed');
      const before = digestOf(path, 'v1-soci');
      expect(await path.index({})).toBe('tag-immutable');
      expect(digestOf(path, 'v1-soci')).toBe(before);
    },
  },
  {
    name: 'an immutable output tag with what an earlier release has made: already-indexed',
    registry: { immutableTags: true },
    async run(path) {
      await push(path, 'v1', image());
      expect(await path.index({ compat: true })).toBe('indexed');
      const { bytes = [] } = path.registry.manifest('app', 'v1-soci') ?? {};
      expect(Buffer.from(bytes).toString()).not.toContain('io.github.soci-index-builder');
      expect(await path.index({})).toBe('already-indexed');
    },
  },
  {
    name: 'a repository that may not be written: access-denied, while layers are read',
    async run(path) {
      await push(path, 'v1', image());
      path.registry.inject({ ...DENIED, on: { port: 'registry', method: 'POST' } });
      // A layer that never comes to its end: only the refusal ends this.
      const fault = { kind: 'stall', afterBytes: 10 };
      path.registry.inject({ on: { port: 'storage' }, after: 1, times: Number.POSITIVE_INFINITY, fault });
      expect(await path.index({})).toBe('access-denied');
      expect(path.registry.tags('app')).toEqual(['v1']);
    },
  },
  {
    name: 'referrers that may not be listed: version 1 is made again',
    async run(path) {
      await push(path, 'v1', image());
      expect(await path.index({ version: 1 })).toBe('indexed');
      expect(await path.index({ version: 1 })).toBe('already-indexed');
      path.registry.inject({ ...DENIED, on: { path: 'referrers' } });
      expect(await path.index({ version: 1 })).toBe('indexed');
    },
  },
  ...(
    [
      ['a SOCI index of version 1 instead of an image', 'soci-index', sociIndex(1)],
      ['a SOCI index of version 2 instead of an image', 'soci-index', sociIndex(2)],
      ['a signature instead of an image', 'signature', makeSignature(image())],
      ['an attestation instead of an image', 'attestation', makeAttestation(image())],
      ['an artifact instead of an image', 'not-an-image', makeHelmChart()],
      ['a layer that is broken', 'image-invalid', makeImage([makeLayer('app'), makeBrokenLayer('broken')])],
    ] as const
  ).map(([what, reason, made]) => ({
    name: `${what}: ${reason}`,
    async run(path: GuardPath) {
      await push(path, 'v1', made);
      expect(await path.index({})).toBe(path.sayings?.[reason] ?? reason);
      expect(path.registry.tags('app')).toEqual(['v1']);
    },
  })),
  {
    name: 'a SOCI-enabled image: soci-enabled',
    async run(path) {
      await push(path, 'v1', enabledImage());
      const said = path.sayings?.['soci-enabled'] ?? 'soci-enabled';
      expect(await path.index({})).toBe(said);
      expect(path.registry.tags('app')).toEqual(said === 'indexed' ? ['v1', 'v1-soci'] : ['v1']);
    },
  },
  {
    name: 'an output tag of more than 128 characters: tag-too-long',
    async run(path) {
      const tag = 'v'.repeat(126);
      await push(path, tag, image());
      expect(await path.index({ tag })).toBe('tag-too-long');
      expect(path.registry.tags('app')).toEqual([tag]);
    },
  },
  {
    name: 'an index that does not read back right: not-proved',
    async run(path) {
      await push(path, 'v1', makeImage([makeLayer('app')]));
      // Of what the storage is asked for the first is the configuration, the second the layer, the third is the proof.
      path.registry.inject({ on: { port: 'storage' }, after: 2, fault: { kind: 'wrong-bytes', atByte: 100 } });
      expect(await path.index({ proves: true })).toBe('not-proved');
      expect(path.registry.tags('app')).toEqual(['v1']);
    },
  },
  {
    name: 'two runs at once: one result',
    async run(path) {
      await push(path, 'v1', image());
      const results = await Promise.all([path.index({}), path.index({})]);
      for (const result of results) expect(['indexed', 'already-indexed']).toContain(result);
      expect(path.registry.checkGraph('app', 'v1-soci')).toEqual([]);
      expect(await path.index({})).toBe('already-indexed');
    },
  },
];
