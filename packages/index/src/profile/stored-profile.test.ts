import { digestOf, MEDIA_TYPE_OCI_IMAGE_MANIFEST, OciError } from '@soci/oci';
import { createLayout, openLayout } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';
import { openRegistry } from '@soci/registry';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry, type TestRegistryOptions } from '@soci/test-registry';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { classifyContent } from '../publish/classify-content.ts';
import { findSimilarTags } from '../reuse/similar-tags.ts';
import { MEDIA_TYPE_PROFILE, MEDIA_TYPE_PROFILE_CONTENT, PROFILE_TAG } from '../vocabulary.ts';
import { findStoredProfile } from './find-stored-profile.ts';
import { type ProfileTarget, pushProfile } from './push-profile.ts';
import type { StartProfile } from './start-profile.ts';

const folder = temporaryFolder();

const profileOf = (...paths: string[]): StartProfile => ({ files: paths.map((path) => ({ path })) });
const FIRST = profileOf('/usr/bin/python3');
const SECOND = profileOf('/usr/bin/node', '/app/main.js');

async function startRegistry(options: TestRegistryOptions) {
  const server = await startTestRegistry({ autoCreate: true, ...options });
  onTestFinished(() => server.stop());
  const client = openRegistry(server.host, { plainHttp: true, env: {}, retry: { baseDelay: 1, maxAttempts: 2 } });
  onTestFinished(() => client.close());
  return { server, repository: client.repository('app') };
}

async function openRepository(options: TestRegistryOptions): Promise<ProfileTarget> {
  return (await startRegistry(options)).repository;
}

let layouts = 0;
async function openNewLayout(): Promise<ProfileTarget> {
  const path = `${folder}/layout-${layouts++}`;
  await (await createLayout(path)).commit();
  return openLayout(path);
}

const STORES: Readonly<Record<string, () => Promise<ProfileTarget>>> = {
  'Amazon ECR with immutable tags': () => openRepository({ ecr: true, immutableTags: true }),
  'a registry without the referrers API': () => openRepository({ referrers: false }),
  'a layout': openNewLayout,
  memory: async () => new MemoryStore(),
};

describe.each(Object.entries(STORES))('a profile stored in %s', (_, open) => {
  it('is found, and replaced by the next one', async () => {
    const store = await open();
    expect(await findStoredProfile(store)).toBeUndefined();
    const first = await pushProfile(store, FIRST);
    expect(first.outcome).toBe('pushed');
    expect(await findStoredProfile(store)).toMatchObject({ profile: FIRST, digest: first.digest });
    const second = await pushProfile(store, SECOND);
    expect(await findStoredProfile(store)).toEqual({
      profile: profileOf('/app/main.js', '/usr/bin/node'),
      digest: second.digest,
      manifest: expect.objectContaining({ digest: second.manifest.digest }),
      created: expect.any(Number),
    });
  });

  it('is not written again, and can be restored', async () => {
    const store = await open();
    const first = await pushProfile(store, FIRST);
    expect(await pushProfile(store, FIRST)).toMatchObject({ outcome: 'current', digest: first.digest });
    await pushProfile(store, SECOND);
    expect(await pushProfile(store, FIRST)).toMatchObject({ outcome: 'pushed', digest: first.digest });
    expect((await findStoredProfile(store))?.profile).toEqual(FIRST);
  });

  it('is newer than the last one, even if the clock is behind', async () => {
    const store = await open();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2030, 1, 1) });
    onTestFinished(() => void vi.useRealTimers());
    await pushProfile(store, FIRST);
    vi.setSystemTime(Date.UTC(2020, 1, 1));
    await pushProfile(store, SECOND);
    expect((await findStoredProfile(store))?.profile.files).toHaveLength(2);
  });

  it('is not an image, and neither is the manifest that it refers to', async () => {
    const store = await open();
    const { manifest } = await pushProfile(store, FIRST);
    for (const content of [manifest, await store.resolve(PROFILE_TAG)]) {
      const kind = await classifyContent(store, content);
      expect(kind).toMatchObject({ outcome: 'skipped', reason: 'not-an-image' });
    }
  });
});

describe('a repository with a stored profile', () => {
  it('has one tag, which always refers to the same manifest', async () => {
    const { server, repository } = await startRegistry({ ecr: true, immutableTags: true });
    await pushProfile(repository, FIRST);
    await pushProfile(repository, SECOND);
    expect(server.tags('app')).toEqual([PROFILE_TAG]);
    // Clients of all versions must agree on these bytes. Do not change the expected value.
    expect((await repository.resolve(PROFILE_TAG)).digest).toBe(
      'sha256:eab481fb22121a7bef1875d6bdc52ca647efc29fd312754867fd973d9d780c3a',
    );
  });

  it('is not searched for zTOCs through that tag', async () => {
    const { repository } = await startRegistry({});
    await pushProfile(repository, FIRST);
    expect(await findSimilarTags(repository, 'soci-profil', [], {})).toEqual([]);
  });

  it('costs one request if it has no profile', async () => {
    const { server, repository } = await startRegistry({ ecr: true });
    server.createRepository('app');
    expect(await findStoredProfile(repository)).toBeUndefined();
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  it('emits events that the rule for images does not match', async () => {
    const { server, repository } = await startRegistry({ ecr: true });
    await pushProfile(repository, FIRST);
    const types = server.events.map(({ detail }) => detail['artifact-media-type']);
    expect(types).toEqual([expect.stringContaining('profile-anchor.v1+json'), MEDIA_TYPE_PROFILE]);
  });

  it('keeps a tag of the same name that refers to something else', async () => {
    const { server, repository } = await startRegistry({});
    const raw = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [] }));
    server.putManifest('app', PROFILE_TAG, 'application/vnd.oci.image.index.v1+json', raw);
    await expect(pushProfile(repository, FIRST)).rejects.toMatchObject({ code: 'TAG_TAKEN' });
    expect((await repository.resolve(PROFILE_TAG)).digest).toBe(digestOf(raw));
  });

  it('accepts concurrent first pushes', async () => {
    const { server } = await startRegistry({ ecr: true, immutableTags: true });
    const clients = [1, 2, 3].map(() => openRegistry(server.host, { plainHttp: true, env: {} }));
    onTestFinished(() => clients.forEach((client) => void client.close()));
    const pushed = clients.map((client, index) => pushProfile(client.repository('app'), profileOf(`/${index}`)));
    for (const { outcome } of await Promise.all(pushed)) expect(outcome).toBe('pushed');
    expect(server.tags('app')).toEqual([PROFILE_TAG]);
  });
});

describe('a hostile stored profile', () => {
  const push = async (store: ProfileTarget, manifest: object) => {
    const raw = Buffer.from(JSON.stringify(manifest));
    await store.push({ mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: digestOf(raw), size: raw.length }, raw);
  };
  const blob = async (store: ProfileTarget, mediaType: string, content: string | Uint8Array) => {
    const bytes = Buffer.from(content);
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await store.push(descriptor, bytes);
    return descriptor;
  };
  /** Stores a manifest that is newer than any other. */
  const store = async (layers: (store: ProfileTarget) => Promise<unknown[]>, more: object = {}) => {
    const memory = new MemoryStore();
    await pushProfile(memory, FIRST);
    await push(memory, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
      config: await blob(memory, MEDIA_TYPE_PROFILE, '{}'),
      layers: await layers(memory),
      subject: await memory.resolve(PROFILE_TAG),
      annotations: { 'org.opencontainers.image.created': '9999-01-01T00:00:00Z' },
      ...more,
    });
    return memory;
  };
  const content = (text: string) => async (memory: ProfileTarget) => [
    await blob(memory, MEDIA_TYPE_PROFILE_CONTENT, text),
  ];
  const missing = { mediaType: MEDIA_TYPE_PROFILE_CONTENT, digest: digestOf(Buffer.from('missing')), size: 7 };

  it.each<[string, () => Promise<ProfileTarget>, string]>([
    ['is not JSON', () => store(content('{')), 'is not valid JSON'],
    [
      'has an unknown version',
      () => store(content('{"schemaVersion":2,"files":[]}')),
      'schemaVersion: 2 is not supported',
    ],
    ['names no file', () => store(content('# nothing')), 'names no file'],
    ['has no layer', () => store(async () => []), 'it has other layers than one profile'],
    ['has two layers', () => store(async () => [missing, missing]), 'it has other layers than one profile'],
    ['is missing', () => store(async () => [missing]), 'cannot read the stored profile'],
    [
      'claims to be huge',
      () => store(async () => [{ ...missing, size: 2 ** 40 }]),
      'has 1099511627776 bytes, more than',
    ],
    [
      'has another size',
      () => store(async (memory) => [{ ...(await content('/a')(memory))[0], size: 5 }]),
      'cannot read',
    ],
    ['has a large manifest', () => store(content('/a'), { x: 'x'.repeat(70_000) }), 'more than the limit of 65536'],
  ])('fails with PROFILE_INVALID if it %s, and can be replaced', async (_, open, message) => {
    const memory = await open();
    await expect(findStoredProfile(memory)).rejects.toMatchObject({
      code: 'PROFILE_INVALID',
      message: expect.stringContaining(message),
    });
    await pushProfile(memory, SECOND);
    expect((await findStoredProfile(memory))?.profile.files).toHaveLength(2);
  });

  it.each(['yesterday', '2030', '+275760-09-13T00:00:00Z', ''])('is the oldest with the time %j', async (time) => {
    const annotations = { 'org.opencontainers.image.created': time };
    const memory = await store(content('/bad'), { annotations });
    expect((await findStoredProfile(memory))?.profile).toEqual(FIRST);
  });

  it('is not a profile if its type is another one', async () => {
    const memory = await store(content('/bad'), { config: { ...missing, mediaType: 'application/json' } });
    expect((await findStoredProfile(memory))?.profile).toEqual(FIRST);
  });

  it('may be listed without annotations', async () => {
    const memory = new MemoryStore();
    await pushProfile(memory, FIRST);
    await pushProfile(memory, SECOND);
    const bare: ProfileTarget = Object.assign(Object.create(memory), {
      fetch: memory.fetch.bind(memory),
      async *referrers(...args: Parameters<ProfileTarget['referrers']>) {
        for await (const { annotations: _, ...descriptor } of memory.referrers(...args)) yield descriptor;
      },
    });
    expect((await findStoredProfile(bare))?.profile.files).toHaveLength(2);
  });

  it('is one of at most 10,000', async () => {
    const listed = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: missing.digest, size: 7, annotations: {} };
    const endless: ProfileTarget = Object.assign(new MemoryStore(), {
      async *referrers() {
        for (;;) yield listed;
      },
    });
    await expect(findStoredProfile(endless)).rejects.toThrow('more than 10000 profiles are stored');
  });

  it('is different from a store that cannot be read', async () => {
    const failing: ProfileTarget = Object.assign(new MemoryStore(), {
      // biome-ignore lint/correctness/useYield: fails first
      async *referrers() {
        throw new OciError('READ_FAILED', 'disk failure');
      },
    });
    await expect(findStoredProfile(failing)).rejects.toMatchObject({ name: 'OciError', code: 'READ_FAILED' });
  });
});
