// Tests of the guards of `indexImage`, shared by the library, the command line and the Lambda functions. Each of them
// implements `ImageIndexer` and runs all guards with its own test registry.
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

/** Options for indexing the image `app:TAG` to `app:TAG-soci`, with a minimum layer size of 1,000 bytes. */
export interface GuardRun {
  /** Tag of the image. @default 'v1' */
  readonly tag?: string;
  /** Index version. @default 2 */
  readonly version?: 1 | 2;
  /** Bytes. @default 4 MiB */
  readonly spanSize?: number;
  /** Whether to verify the index before it is written. @default false */
  readonly verify?: boolean;
  /** Whether to set `compat`, which also omits the provenance annotations, as earlier releases did. @default false */
  readonly compat?: boolean;
  /** Whether to override guards. Requires {@link ImageIndexer.canForce}. @default false */
  readonly force?: boolean;
}

/** A test registry that redirects blob requests to a separate storage port. */
export interface GuardRegistry extends PushTarget {
  tags(repository: string): readonly string[];
  manifest(repository: string, reference: string): { readonly digest: string; readonly bytes: Uint8Array } | undefined;
  checkGraph(repository: string, reference: string): readonly string[];
  inject(rule: object): { readonly hits: number; remove(): void };
}

/** An implementation that indexes images: the library, the command line or the Lambda functions. */
export interface ImageIndexer {
  readonly registry: GuardRegistry;
  /**
   * Indexes an image.
   *
   * @returns `indexed`, `already-indexed`, or a reason of the library; for an error, `access-denied`, `image-invalid` or
   *   `gone`.
   */
  index(run: GuardRun): Promise<string>;
  /** Whether a user can override guards. */
  readonly canForce: boolean;
  /** Results that differ from the reasons of the library, by reason. @default none */
  readonly resultsByReason?: Readonly<Record<string, string>>;
}

/** A test case. */
export interface Guard {
  readonly name: string;
  /** Options of the test registry. */
  readonly registry?: { readonly immutableTags?: boolean };
  run(indexer: ImageIndexer): Promise<void>;
}

const SOCI_INDEX_V2 = 'application/vnd.amazon.soci.index.v2+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

const image = (name = 'app') => makeImage([makeLayer(`${name}-base`), makeLayer(name)]);

/** Creates a SOCI index with an invalid zTOC. */
const sociIndex = (version: 1 | 2) =>
  makeManifest(MANIFEST, contentOf(SOCI_INDEX_V2.replace('v2', `v${version}`), {}), [
    contentOf('application/octet-stream', {}),
  ]);

/** Creates an image index that looks like a SOCI-enabled image. */
const enabledImage = () =>
  makeIndex([
    { made: image('enabled'), fields: { platform: AMD64 } },
    { made: sociIndex(2), fields: { artifactType: SOCI_INDEX_V2, platform: AMD64 } },
  ]);

const push = ({ registry }: ImageIndexer, tag: string, made: ImageContent) => pushImage(registry, 'app', tag, made);
const digestOf = ({ registry }: ImageIndexer, tag: string) => registry.manifest('app', tag)?.digest;

/** Calls `act` while a layer is being read. The first storage request is for the configuration, the second for a layer. */
async function whileReading<T>({ registry }: ImageIndexer, indexing: () => Promise<T>, act: () => unknown): Promise<T> {
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

/** All guards. The name of each one contains the situation and the expected result. */
export const GUARDS: readonly Guard[] = [
  ...[
    ['an image', image('another')],
    ['an artifact', makeHelmChart()],
  ].map(([what, made]) => ({
    name: `an output tag that names ${what as string}: tag-taken`,
    async run(indexer: ImageIndexer) {
      await push(indexer, 'v1', image());
      const taken = await push(indexer, 'v1-soci', made as ImageContent);
      expect(await indexer.index({})).toBe('tag-taken');
      expect(digestOf(indexer, 'v1-soci')).toBe(taken);
      if (!indexer.canForce) return;
      expect(await indexer.index({ force: true })).toBe('indexed');
      expect(indexer.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    },
  })),
  {
    name: 'an output tag that is taken while layers are read: tag-taken',
    async run(indexer) {
      await push(indexer, 'v1', image());
      const result = await whileReading(
        indexer,
        () => indexer.index({}),
        () => push(indexer, 'v1-soci', image('another')),
      );
      expect(result).toBe('tag-taken');
      expect(digestOf(indexer, 'v1-soci')).toBe(image('another').descriptor.digest);
    },
  },
  {
    name: 'an output tag that names another SOCI-enabled image: it moves',
    async run(indexer) {
      await push(indexer, 'v1', image());
      const before = await push(indexer, 'v1-soci', enabledImage());
      expect(await indexer.index({})).toBe('indexed');
      expect(digestOf(indexer, 'v1-soci')).not.toBe(before);
      expect(indexer.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    },
  },
  {
    name: 'a source tag that moves while layers are read: tag-moved',
    async run(indexer) {
      await push(indexer, 'v1', image());
      const result = await whileReading(
        indexer,
        () => indexer.index({}),
        () => push(indexer, 'v1', image('next')),
      );
      expect(result).toBe('tag-moved');
      expect(indexer.registry.tags('app')).toEqual(['v1']);
    },
  },
  {
    name: 'an immutable output tag that names another SOCI-enabled image: tag-immutable',
    registry: { immutableTags: true },
    async run(indexer) {
      await push(indexer, 'v1', image());
      expect(await indexer.index({ spanSize: 4096 })).toBe('indexed');
      const before = digestOf(indexer, 'v1-soci');
      expect(await indexer.index({})).toBe('tag-immutable');
      expect(digestOf(indexer, 'v1-soci')).toBe(before);
    },
  },
  {
    name: 'an immutable output tag with the result of an earlier release: already-indexed',
    registry: { immutableTags: true },
    async run(indexer) {
      await push(indexer, 'v1', image());
      expect(await indexer.index({ compat: true })).toBe('indexed');
      const { bytes = [] } = indexer.registry.manifest('app', 'v1-soci') ?? {};
      expect(Buffer.from(bytes).toString()).not.toContain('io.github.soci-index-builder');
      expect(await indexer.index({})).toBe('already-indexed');
    },
  },
  {
    name: 'a repository without write permission: access-denied, while layers are read',
    async run(indexer) {
      await push(indexer, 'v1', image());
      indexer.registry.inject({ ...DENIED, on: { port: 'registry', method: 'POST' } });
      // The layer never ends, so that only the failed write check can end the run.
      const fault = { kind: 'stall', afterBytes: 10 };
      indexer.registry.inject({ on: { port: 'storage' }, after: 1, times: Number.POSITIVE_INFINITY, fault });
      expect(await indexer.index({})).toBe('access-denied');
      expect(indexer.registry.tags('app')).toEqual(['v1']);
    },
  },
  {
    name: 'no permission to list referrers: version 1 is built again',
    async run(indexer) {
      await push(indexer, 'v1', image());
      expect(await indexer.index({ version: 1 })).toBe('indexed');
      expect(await indexer.index({ version: 1 })).toBe('already-indexed');
      indexer.registry.inject({ ...DENIED, on: { path: 'referrers' } });
      expect(await indexer.index({ version: 1 })).toBe('indexed');
    },
  },
  ...(
    [
      ['a SOCI index of version 1 instead of an image', 'soci-index', sociIndex(1)],
      ['a SOCI index of version 2 instead of an image', 'soci-index', sociIndex(2)],
      ['a signature instead of an image', 'signature', makeSignature(image())],
      ['an attestation instead of an image', 'attestation', makeAttestation(image())],
      ['an artifact instead of an image', 'not-an-image', makeHelmChart()],
      ['a damaged layer', 'image-invalid', makeImage([makeLayer('app'), makeBrokenLayer('broken')])],
    ] as const
  ).map(([what, reason, made]) => ({
    name: `${what}: ${reason}`,
    async run(indexer: ImageIndexer) {
      await push(indexer, 'v1', made);
      expect(await indexer.index({})).toBe(indexer.resultsByReason?.[reason] ?? reason);
      expect(indexer.registry.tags('app')).toEqual(['v1']);
    },
  })),
  {
    name: 'a SOCI-enabled image: soci-enabled',
    async run(indexer) {
      await push(indexer, 'v1', enabledImage());
      const expected = indexer.resultsByReason?.['soci-enabled'] ?? 'soci-enabled';
      expect(await indexer.index({})).toBe(expected);
      expect(indexer.registry.tags('app')).toEqual(expected === 'indexed' ? ['v1', 'v1-soci'] : ['v1']);
    },
  },
  {
    name: 'an output tag of more than 128 characters: tag-too-long',
    async run(indexer) {
      const tag = 'v'.repeat(126);
      await push(indexer, tag, image());
      expect(await indexer.index({ tag })).toBe('tag-too-long');
      expect(indexer.registry.tags('app')).toEqual([tag]);
    },
  },
  {
    name: 'an index that fails the verification: not-proved',
    async run(indexer) {
      await push(indexer, 'v1', makeImage([makeLayer('app')]));
      // The first storage request is for the configuration, the second for the layer, the others for the verification.
      const fault = { kind: 'wrong-bytes', atByte: 100 } as const;
      indexer.registry.inject({ on: { port: 'storage' }, after: 2, times: 2, fault });
      expect(await indexer.index({ verify: true })).toBe('not-proved');
      expect(indexer.registry.tags('app')).toEqual(['v1']);
    },
  },
  {
    name: 'two concurrent runs: one result',
    async run(indexer) {
      await push(indexer, 'v1', image());
      const results = await Promise.all([indexer.index({}), indexer.index({})]);
      for (const result of results) expect(['indexed', 'already-indexed']).toContain(result);
      expect(indexer.registry.checkGraph('app', 'v1-soci')).toEqual([]);
      expect(await indexer.index({})).toBe('already-indexed');
    },
  },
];
