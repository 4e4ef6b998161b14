import { gzipSync } from 'node:zlib';
import type { Descriptor } from '@soci/oci';
import { openRegistry } from '@soci/registry';
import { noise, putLayeredImage, tarOf } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseProfile } from '../profile/parse-profile.ts';
import { profileArtifact } from '../profile/profile-manifest.ts';
import { pushProfile } from '../profile/push-profile.ts';
import { indexImage } from './index-image.ts';
import type { IndexImageOptions, PublishProgress } from './options.ts';
import type { ImageIndexed } from './result.ts';

const MIB = 1 << 20;
const OPTIONS = { minLayerSize: 1000, jobs: 1 } satisfies IndexImageOptions;

const layerOf = (files: Record<string, Uint8Array | string>) => {
  const tar = tarOf(files);
  return { tar, bytes: gzipSync(tar, { level: 1 }), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' };
};
const BASE = layerOf({ 'base/a': noise(3 * MIB, 1), 'base/b': noise(3 * MIB, 2), 'base/c': noise(3 * MIB, 3) });
const LIBRARY = layerOf({ 'lib/a': noise(4 * MIB, 4), 'lib/b': noise(4 * MIB, 5) });
const APP = layerOf({ 'app/run': noise(2 * MIB, 6) });

const profileOf = (...paths: string[]) => parseProfile(Buffer.from(paths.join('\n')));

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry();
});
afterAll(() => registry.stop());

const clients: { close(): void }[] = [];
afterAll(() => {
  for (const client of clients) client.close();
});

let repositories = 0;

/** Creates a repository. `push` adds an image, `index` indexes a tag. `layers` counts requests for the bytes of layers. */
function openRepository() {
  const path = `app-${++repositories}`;
  const open = () => {
    const client = openRegistry(registry.host, { plainHttp: true, env: {}, retry: { baseDelay: 1, maxAttempts: 2 } });
    clients.push(client);
    return client.repository(path);
  };
  const layers = new Set([BASE, LIBRARY, APP].map(({ bytes }) => bytes.length));
  return {
    store: open(),
    async push(tag: string, content = [BASE, LIBRARY, APP]): Promise<Descriptor> {
      const store = open();
      const image = await putLayeredImage(store, content);
      await store.tag(image, tag);
      return image;
    },
    async index(tag: string, options: IndexImageOptions = {}) {
      registry.clearRequests();
      const events: PublishProgress[] = [];
      const store = open();
      const target = { store, tag: `${tag}-soci` };
      const all = { ...OPTIONS, ...options, onProgress: (event: PublishProgress) => events.push(event) };
      const result = await indexImage({ store, reference: tag }, target, all);
      const wholeLayers = registry.requests.filter(
        ({ method, status, bytesOut }) => method === 'GET' && status === 200 && layers.has(bytesOut),
      );
      return { result, events, wholeLayers: wholeLayers.length, root: registry.manifest(path, `${tag}-soci`)?.digest };
    },
  };
}

const origins = (result: object) =>
  ('layers' in result ? (result as ImageIndexed).layers : []).map((layer) => ('origin' in layer ? layer.origin : ''));

describe('an image that is indexed again with a profile', () => {
  it('is recognized if nothing changed: no layer is read', async () => {
    const repository = openRepository();
    await repository.push('v1');
    for (const version of [2, 1] as const) {
      const options = { profile: profileOf('/lib/a'), version };
      const first = await repository.index('v1', { ...options, force: true, reindex: false, reuse: false });
      expect(first.result).toMatchObject({ outcome: 'indexed', profile: { origin: 'given' } });
      const again = await repository.index('v1', options);
      expect(again.result).toMatchObject({ outcome: 'already-indexed', profile: { origin: 'given' } });
      expect(again.wholeLayers).toBe(0);
    }
  });

  it('reuses the layers in which another profile reads the same, and builds the others', async () => {
    const repository = openRepository();
    await repository.push('v1');
    await repository.index('v1', { profile: profileOf('/lib/a') });
    const changed = await repository.index('v1', { profile: profileOf('/lib/a', '/base/b') });
    expect(origins(changed.result)).toEqual(['built', 'reused', 'reused']);
    expect(changed.wholeLayers).toBe(1);
    const fresh = openRepository();
    await fresh.push('v1');
    expect(changed.root).toBe((await fresh.index('v1', { profile: profileOf('/lib/a', '/base/b') })).root);
  });

  it('reuses zTOCs of another tag if the start reads the same in their layers', async () => {
    const repository = openRepository();
    await repository.push('v1');
    await repository.push('v2', [BASE, LIBRARY, layerOf({ 'app/run': noise(2 * MIB, 7) })]);
    const profile = profileOf('/lib/a', '/app/run');
    await repository.index('v1', { profile });
    const next = await repository.index('v2', { profile });
    expect(origins(next.result)).toEqual(['reused', 'reused', 'built']);
  });

  it('does not reuse zTOCs of a fixed span size, and the reverse', async () => {
    const repository = openRepository();
    await repository.push('v1');
    const fixed = await repository.index('v1');
    const guided = await repository.index('v1', { profile: profileOf('/lib/a') });
    expect(origins(guided.result)).toEqual(['built', 'built', 'built']);
    const back = await repository.index('v1', { spanSize: 16 * MIB });
    expect(origins(back.result)).toEqual(['built', 'built', 'built']);
    expect((await repository.index('v1')).root).toBe(fixed.root);
  });

  it('is verified before it is written', async () => {
    const repository = openRepository();
    await repository.push('v1');
    const options = { profile: profileOf('/lib/a', '/base/b') };
    const all = await repository.index('v1', { ...options, proof: 'read-back' });
    expect(all.result).toMatchObject({ outcome: 'indexed', proof: { filesRead: 6 } });
    const sample = await repository.index('v1', { ...options, proof: { spans: 4 }, force: true, reuse: false });
    expect(sample.result).toMatchObject({ outcome: 'indexed', proof: { spansRead: expect.any(Number) } });
    expect(sample.root).toBe(all.root);
  });
});

describe('an image without a file of the profile', () => {
  it.each([1, 2] as const)(
    'is recognized with its default index: no layer is read, with version %i',
    async (version) => {
      const repository = openRepository();
      await repository.push('v1');
      const fixed = await repository.index('v1', { version });
      for (const options of [{ profile: profileOf('/missing') }, { spanSize: 'auto' } as const]) {
        const { result, root, wholeLayers } = await repository.index('v1', { ...options, version });
        expect(result).toMatchObject({ outcome: 'already-indexed', profile: { origin: expect.any(String) } });
        expect({ root, wholeLayers }).toEqual({ root: fixed.root, wholeLayers: 0 });
      }
      const found = await repository.index('v1', { profile: profileOf('/lib/a'), version });
      expect(found.result).toMatchObject({ outcome: 'indexed' });
    },
  );
});

describe('a stored profile', () => {
  it('is used with the span size auto, and with the profile "stored"', async () => {
    const repository = openRepository();
    await repository.push('v1');
    const { digest } = await pushProfile(repository.store, profileOf('/lib/a'));
    const auto = await repository.index('v1', { spanSize: 'auto' });
    expect(auto.result).toMatchObject({ outcome: 'indexed', profile: { origin: 'stored', digest } });
    expect((await repository.index('v1', { profile: 'stored' })).result).toMatchObject({ outcome: 'already-indexed' });
    const given = await repository.index('v1', { profile: profileOf('/lib/a') });
    expect(given.result).toMatchObject({ outcome: 'already-indexed', profile: { origin: 'given' } });
    await pushProfile(repository.store, profileOf('/base/a'));
    expect((await repository.index('v1', { profile: 'stored' })).result).toMatchObject({ outcome: 'indexed' });
  });

  it('that is malformed is reported, and not used', async () => {
    const repository = openRepository();
    await repository.push('v1');
    const fixed = await repository.index('v1');
    await pushProfile(repository.store, profileOf('/lib/a'));
    const bad = profileArtifact(Buffer.from('{"schemaVersion":2,"files":[]}'), Date.now() + 1000);
    for (const { descriptor, content } of bad.blobs) await repository.store.push(descriptor, content);
    await repository.store.pushManifest(bad.manifest, bad.raw);
    const { result, root, events } = await repository.index('v1', { profile: 'stored' });
    expect(result).toMatchObject({ outcome: 'already-indexed', profile: { origin: 'none' } });
    expect(root).toBe(fixed.root);
    const error = expect.objectContaining({ code: 'PROFILE_INVALID' });
    expect(events).toContainEqual({ type: 'profile-skipped', error });
  });

  it('that does not exist leaves the default with the profile "stored"', async () => {
    const repository = openRepository();
    await repository.push('v1');
    const fixed = await repository.index('v1');
    const result = await repository.index('v1', { profile: 'stored' });
    expect(result.result).toMatchObject({ outcome: 'already-indexed', profile: { origin: 'none' } });
    expect(result.root).toBe(fixed.root);
  });
});

it('profile "stored" excludes a fixed span size and compat, before anything is read', async () => {
  const repository = openRepository();
  for (const option of [{ spanSize: 4 * MIB }, { compat: 'soci-cli' }] as const) {
    await expect(repository.index('missing', { profile: 'stored', ...option })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    });
  }
  expect(registry.requests).toEqual([]);
});
