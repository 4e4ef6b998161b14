import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collect, describeContent, drain, goldenLayoutPath, hasProgram, jsonBytes, toBytes } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import type { Descriptor } from '../descriptor.ts';
import { digestOf } from '../digest.ts';
import { parseImageIndex, parseManifest } from '../manifest.ts';
import { MEDIA_TYPE_OCI_EMPTY, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '../media-types.ts';
import { readVerified } from '../read.ts';
import { createLayout } from './layout-draft.ts';
import { type LayoutStore, openLayout } from './layout-store.ts';

const temp = temporaryFolder();
const ATTESTED_INDEX = 'sha256:6407d0a0cd16c65f1a392e1c654dee163d5ce2874c2613d75f9ae680300e348b';

/** Copies a golden layout, for a test to damage. */
function copyOf(name: string): { folder: string; blobs: string } {
  const folder = join(temp, `${name}-${readdirSync(temp).length}`);
  cpSync(goldenLayoutPath(name), folder, { recursive: true });
  return { folder, blobs: join(folder, 'blobs', 'sha256') };
}

/** Opens a golden layout with one image. */
async function openImage(
  folder: string,
): Promise<{ store: LayoutStore; root: Descriptor; layers: readonly Descriptor[] }> {
  const store = await openLayout(folder);
  const root = await store.resolve();
  return { store, root, layers: parseManifest(await readVerified(store, root), root).layers };
}

const hexOf = ({ digest }: Descriptor) => digest.slice('sha256:'.length);

describe('openLayout', () => {
  test('opens a folder through a symbolic link: only links below it are rejected', async () => {
    const link = join(temp, 'link');
    symlinkSync(goldenLayoutPath('single-oci'), link);
    expect(await (await openLayout(link)).roots()).toHaveLength(1);
  });

  test.each([
    ['a missing folder', 'NOT_FOUND', () => join(temp, 'missing')],
    ['a file', 'LAYOUT_INVALID', () => join(goldenLayoutPath('multi'), 'index.json')],
    ['an empty folder', 'LAYOUT_INVALID', () => makeFolder({})],
    ['another version', 'LAYOUT_INVALID', () => makeFolder({ 'oci-layout': '{"imageLayoutVersion":"2.0.0"}' })],
    [
      'a version that is not a string',
      'MANIFEST_INVALID',
      () => makeFolder({ 'oci-layout': '{"imageLayoutVersion":1}' }),
    ],
    ['an oci-layout file that is not JSON', 'MANIFEST_INVALID', () => makeFolder({ 'oci-layout': 'yes' })],
    ['an oci-layout file of megabytes', 'LIMIT_EXCEEDED', () => makeFolder({ 'oci-layout': ' '.repeat(5_000_000) })],
  ])('rejects %s: %s', async (_, code, make) => {
    await expect(openLayout(make())).rejects.toMatchObject({ code });
  });
});

describe('reading', () => {
  test('yields a blob in chunks that own their memory', async () => {
    const { store, layers } = await openImage(goldenLayoutPath('single-oci'));
    const [layer] = layers as [Descriptor];
    const chunks = await collect(store.fetch(layer));
    expect(digestOf(Buffer.concat(chunks))).toBe(layer.digest);
    for (const chunk of chunks) expect(chunk.buffer.byteLength).toBe(chunk.length);
  });

  test.each([false, true])('yields a blob of several chunks, with reuseChunks %s', async (reuseChunks) => {
    const folder = makeFolder({ 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' });
    const content = Buffer.alloc(3_500_000, 'a pattern whose length does not divide the size of a chunk. ');
    const store = await openLayout(folder);
    const blob = describeContent('application/octet-stream', content);
    await store.push(blob, content);
    const copies: Uint8Array[] = [];
    for await (const chunk of store.fetch(blob, { reuseChunks })) copies.push(new Uint8Array(chunk));
    expect(copies).toHaveLength(4);
    expect(Buffer.concat(copies).equals(content)).toBe(true);
  });

  test('reads ranges, and rejects those past the end', async () => {
    const { store, layers } = await openImage(goldenLayoutPath('single-oci'));
    const [layer] = layers as [Descriptor];
    const whole = await drain(store.fetch(layer));
    const range = { offset: 1000, length: 2000 };
    expect(Buffer.from(await store.fetchRange(layer, range)).equals(whole.subarray(1000, 3000))).toBe(true);
    const past = { offset: layer.size - 1, length: 2 };
    await expect(store.fetchRange(layer, past)).rejects.toMatchObject({ code: 'RANGE_INVALID' });
  });

  test('can stop early, and be aborted', async () => {
    const { store, layers } = await openImage(goldenLayoutPath('single-oci'));
    for await (const _ of store.fetch(layers[0] as Descriptor)) break;
    const reason = new Error('stopped');
    const aborted = drain(store.fetch(layers[0] as Descriptor, { signal: AbortSignal.abort(reason) }));
    await expect(aborted).rejects.toBe(reason);
  });

  test('reports missing content', async () => {
    const { store } = await openImage(goldenLayoutPath('single-oci'));
    const missing = describeContent('application/x', toBytes('missing'));
    await expect(drain(store.fetch(missing))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.fetchRange(missing, { offset: 0, length: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.exists(missing)).toBe(false);
  });
});

describe('a damaged layout', () => {
  test('with a blob of the wrong size is rejected before a byte is read', async () => {
    const { folder, blobs } = copyOf('single-oci');
    const { store, layers } = await openImage(folder);
    const [layer] = layers as [Descriptor];
    writeFileSync(join(blobs, hexOf(layer)), 'short');
    const message = `has 5 bytes in ${folder}, expected ${layer.size}`;
    const error = { code: 'SIZE_MISMATCH', message: expect.stringContaining(message) };
    await expect(drain(store.fetch(layer))).rejects.toMatchObject(error);
    await expect(store.fetchRange(layer, { offset: 0, length: 1 })).rejects.toMatchObject(error);
    expect(await store.exists(layer)).toBe(false);
  });

  test('with a blob of the wrong digest is detected by verified reads', async () => {
    const { folder, blobs } = copyOf('single-oci');
    const { store, root } = await openImage(folder);
    const bytes = readFileSync(join(blobs, hexOf(root)));
    writeFileSync(join(blobs, hexOf(root)), bytes.fill(0x20, 0, 5));
    await expect(readVerified(store, root)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await expect(store.resolve(root.digest)).resolves.toEqual(root);
  });

  test('cannot be left with a digest that is a path', async () => {
    const { store } = await openImage(goldenLayoutPath('single-oci'));
    for (const digest of ['sha256:../../index.json', '../../index.json', `sha256/../${'0'.repeat(64)}`]) {
      const target = { mediaType: 'application/x', digest, size: 1 };
      await expect(drain(store.fetch(target))).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
    }
  });

  test.each([
    ['a blob', (blobs: string, hex: string) => replaceByLink(join(blobs, hex))],
    ['the folder of blobs', (blobs: string) => replaceByLink(blobs)],
    ['the folder above it', (blobs: string) => replaceByLink(join(blobs, '..'))],
  ])('with a symbolic link instead of %s is rejected', async (_, damage) => {
    const { folder, blobs } = copyOf('single-oci');
    const { store, layers } = await openImage(folder);
    const [layer] = layers as [Descriptor];
    damage(blobs, hexOf(layer));
    await expect(drain(store.fetch(layer))).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
    await expect(store.exists(layer)).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
  });

  test.each(['oci-layout', 'index.json'])('with a symbolic link instead of %s is rejected', async (name) => {
    const { folder } = copyOf('single-oci');
    replaceByLink(join(folder, name));
    const roots = openLayout(folder).then((store) => store.roots());
    await expect(roots).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
  });

  test.skipIf(!hasProgram('mkfifo'))(
    'with a pipe instead of a blob is rejected without blocking (needs mkfifo)',
    async () => {
      const { folder, blobs } = copyOf('single-oci');
      const { store, layers } = await openImage(folder);
      const path = join(blobs, hexOf(layers[0] as Descriptor));
      rmSync(path);
      execFileSync('mkfifo', [path]);
      await expect(drain(store.fetch(layers[0] as Descriptor))).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
    },
  );

  test('with a folder instead of a blob is rejected', async () => {
    const { folder, blobs } = copyOf('single-oci');
    const { store, layers } = await openImage(folder);
    const path = join(blobs, hexOf(layers[0] as Descriptor));
    rmSync(path);
    mkdirSync(path);
    await expect(drain(store.fetch(layers[0] as Descriptor))).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });

  test('with a missing or invalid index.json is rejected', async () => {
    const { folder } = copyOf('single-oci');
    const store = await openLayout(folder);
    const path = join(folder, 'index.json');
    writeFileSync(path, '{');
    await expect(store.roots()).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
    writeFileSync(path, '{"schemaVersion":2,"config":{}}');
    await expect(store.roots()).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
    rmSync(path);
    await expect(store.roots()).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });
});

describe('tags', () => {
  test('an empty reference resolves to the only manifest', async () => {
    const { store, root } = await openImage(goldenLayoutPath('single-oci'));
    expect(await store.roots()).toEqual([root]);
    expect(await store.resolve('')).toEqual(root);
  });

  test('a tag resolves to a manifest, and moves when it is set again', async () => {
    const { folder } = copyOf('attested');
    const { store, first, second } = await openTwo(folder);
    await store.tag(first, 'v1');
    await store.tag(first, 'stable');
    expect(await store.resolve('v1')).toMatchObject({ digest: first.digest });
    await store.tag(second, 'v1');
    expect(await store.resolve('v1')).toMatchObject({ digest: second.digest });
    expect(await store.resolve('stable')).toMatchObject({ digest: first.digest });
  });

  test('an unknown tag is rejected with a list of existing manifests', async () => {
    const { folder } = copyOf('attested');
    const { store, first, second } = await openTwo(folder);
    await store.tag(first, 'v1');
    await store.tag(second, 'v2');
    await expect(store.resolve('v3')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `${folder} has no manifest with the name "v3". It lists ${[
        ATTESTED_INDEX,
        `"v1" linux/amd64 ${first.digest}`,
        `"v2" unknown/unknown ${second.digest}`,
      ].join(', ')}. Select one by name or digest.`,
    });
    const message = expect.stringContaining('has more than one manifest. It lists');
    await expect(store.resolve()).rejects.toMatchObject({ code: 'NOT_FOUND', message });
  });

  // As containerd and Docker export images: the tag, and the full name.
  test.each(['docker.io/team/other:v1', 'team/other:v1', 'index.docker.io/team/other:v1'])(
    'the image name %s resolves to a manifest',
    async (name) => {
      const { folder } = copyOf('attested');
      const { store, first, second } = await openTwo(folder);
      const image = (target: Descriptor, own: string) => ({
        ...target,
        annotations: { 'io.containerd.image.name': own, 'org.opencontainers.image.ref.name': 'v1' },
      });
      const manifests = [image(first, 'docker.io/team/app:v1'), image(second, 'docker.io/team/other:v1')];
      writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
      expect(await store.resolve(name)).toMatchObject({ digest: second.digest });
      await expect(store.resolve('v1')).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining(`"docker.io/team/app:v1" linux/amd64 ${first.digest}`),
      });
      await expect(store.resolve('other:v1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    },
  );

  test.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['app:v2', 'app:v2'],
    ['docker.io/team/app:v1', 'team/app:v1'],
  ])('the name %s means %s', async (name, own) => {
    const { folder } = copyOf('attested');
    const { store, first, second } = await openTwo(folder);
    const annotations = { 'io.containerd.image.name': own };
    writeFileSync(
      join(folder, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...first, annotations }, second] }),
    );
    expect(await store.resolve(name)).toMatchObject({ digest: first.digest });
  });

  describe('an index.json that is itself a multi-platform image', () => {
    /** Replaces index.json by the image index of a golden layout, as go-containerregistry writes a layout. */
    async function openFlat(change: (entry: object) => object = (entry) => entry) {
      const { folder } = copyOf('multi');
      const original = await openLayout(folder);
      const [listed] = await original.roots();
      const bytes = await readVerified(original, listed as Descriptor);
      const document = JSON.parse(Buffer.from(bytes).toString());
      const text = JSON.stringify({ ...document, manifests: document.manifests.map(change) });
      writeFileSync(join(folder, 'index.json'), text);
      return { store: await openLayout(folder), folder, text, count: document.manifests.length };
    }

    test('is one image, with the digest of index.json', async () => {
      const { store, text, count } = await openFlat();
      const root = await store.resolve();
      expect(root).toEqual({
        mediaType: 'application/vnd.oci.image.index.v1+json',
        digest: digestOf(toBytes(text)),
        size: text.length,
      });
      expect(Buffer.from(await readVerified(store, root)).toString()).toBe(text);
      expect(await store.fetchRange(root, { offset: 1, length: 3 })).toEqual(toBytes(text.slice(1, 4)));
      expect(await store.resolve(root.digest)).toEqual(root);
      expect(parseImageIndex(await readVerified(store, root)).manifests).toHaveLength(count);
      await expect(store.locate(root)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('is kept as a blob when it gets a tag, because index.json changes', async () => {
      const { store, text } = await openFlat();
      const root = await store.resolve();
      await store.tag(root, 'v1');
      const tagged = await store.resolve('v1');
      expect(Buffer.from(await readVerified(store, tagged)).toString()).toBe(text);
    });

    test('is kept as a blob by a draft, unless the draft is discarded', async () => {
      const { store, folder } = await openFlat();
      const root = await store.resolve();
      for (const end of ['discard', 'commit'] as const) {
        const draft = await createLayout(folder);
        await draft.tag(root, 'v1');
        await draft[end]();
        expect(await store.exists(root), end).toBe(end === 'commit');
      }
      expect(await store.resolve('v1')).toMatchObject(root);
    });

    test.each([
      ['tags', (entry: object) => ({ ...entry, annotations: { 'org.opencontainers.image.ref.name': 'x' } })],
      ['no platforms', ({ platform, ...entry }: { platform?: object }) => entry],
      ['equal platforms', (entry: object) => ({ ...entry, platform: { os: 'linux', architecture: 'amd64' } })],
    ])('is several images if they have %s', async (_, change) => {
      await expect((await openFlat(change)).store.resolve()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  test('a digest resolves to any manifest in the layout, listed or not', async () => {
    const store = await openLayout(goldenLayoutPath('attested'));
    const inner = 'sha256:25884b7eec96c1b97f45ba32e58c3a246d853b99ded557a03a709cc9ad03cc8e';
    expect(await store.resolve(inner)).toEqual({ mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: inner, size: 421 });
    const layer = 'sha256:0709e246a1d17a85a78b111aa669a9c99a75bc477e68d1cde4aca38460a2b1c1';
    await expect(store.resolve(layer)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
    await expect(store.resolve(digestOf(toBytes('x')))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('tagging keeps unknown fields', async () => {
    const { folder } = copyOf('single-oci');
    const path = join(folder, 'index.json');
    const before = JSON.parse(readFileSync(path, 'utf8'));
    const unknown = { 'x-unknown': [1], annotations: { ['__proto__']: 'p' } };
    writeFileSync(path, JSON.stringify({ ...before, ...unknown, manifests: [{ ...before.manifests[0], x: 1 }] }));
    const { store, root } = await openImage(folder);
    await store.tag({ ...root, annotations: { a: '1' } }, 'other:name@x/y+z');
    await store.tag({ ...root, annotations: {} }, 'again');
    const after = JSON.parse(readFileSync(path, 'utf8'));
    expect(after).toMatchObject({ ...before, ...unknown, manifests: expect.anything() });
    expect(Object.hasOwn(after.annotations, '__proto__')).toBe(true);
    expect(after.manifests.map(({ annotations }: Descriptor) => annotations)).toEqual([
      { a: '1', 'org.opencontainers.image.ref.name': 'other:name@x/y+z' },
      { 'org.opencontainers.image.ref.name': 'again' },
    ]);
  });

  test.each(['-x', 'a b', 'a\n', 'x'.repeat(256), `sha256:${'0'.repeat(64)}`])('rejects the tag %j', async (name) => {
    const { store, root } = await openImage(copyOf('single-oci').folder);
    await expect(store.tag(root, name)).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
  });

  test('missing content cannot be tagged', async () => {
    const { store } = await openImage(copyOf('single-oci').folder);
    const missing = describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, toBytes('missing'));
    await expect(store.tag(missing, 'v1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('writing', () => {
  test('content that does not match is rejected and leaves nothing behind', async () => {
    const { folder, blobs } = copyOf('single-oci');
    const store = await openLayout(folder);
    const before = readdirSync(blobs);
    const blob = describeContent('application/x', toBytes('content'));
    const failing = async function* () {
      yield toBytes('con');
      throw new Error('connection lost');
    };
    await expect(store.push(blob, toBytes('contend'))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await expect(store.push(blob, toBytes('con'))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    await expect(store.push(blob, failing())).rejects.toThrow('connection lost');
    expect(readdirSync(blobs)).toEqual(before);
  });

  test('a damaged blob is replaced', async () => {
    const { folder, blobs } = copyOf('single-oci');
    const { store, layers } = await openImage(folder);
    const [layer] = layers as [Descriptor];
    const path = join(blobs, hexOf(layer));
    const content = readFileSync(path);
    writeFileSync(path, 'short');
    await store.push(layer, content);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  test('sha512 content has a separate folder', async () => {
    const { folder } = copyOf('single-oci');
    const store = await openLayout(folder);
    const content = toBytes('content');
    const blob = { mediaType: 'application/x', digest: digestOf(content, 'sha512'), size: 7 };
    await store.push(blob, content);
    expect(await drain(store.fetch(blob))).toEqual(Buffer.from(content));
    expect(readdirSync(join(folder, 'blobs'))).toEqual(['sha256', 'sha512']);
  });

  test('does not write through a symbolic link', async () => {
    const { folder, blobs } = copyOf('single-oci');
    const store = await openLayout(folder);
    const outside = replaceByLink(blobs);
    const before = readdirSync(outside);
    const content = toBytes('content');
    const push = store.push(describeContent('application/x', content), content);
    await expect(push).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
    expect(readdirSync(outside)).toEqual(before);
  });

  test('imports a blob without reading it', async () => {
    const { store: source, layers } = await openImage(goldenLayoutPath('single-oci'));
    const [layer] = layers as [Descriptor];
    const store = await openLayout(copyOf('annotated').folder);
    await store.importBlob(source, layer);
    expect(digestOf(await drain(store.fetch(layer)))).toBe(layer.digest);
    const missing = describeContent('application/x', toBytes('missing'));
    await expect(store.importBlob(source, missing)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const wrong = { ...layer, digest: digestOf(toBytes('other')) };
    await expect(store.importBlob(source, wrong)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('finds referrers among the listed manifests', async () => {
    const { folder } = copyOf('single-oci');
    const { store, root } = await openImage(folder);
    const config = describeContent(MEDIA_TYPE_OCI_EMPTY, toBytes('{}'));
    const document = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: [], subject: root };
    const referrer = describeContent(
      MEDIA_TYPE_OCI_IMAGE_MANIFEST,
      jsonBytes({ ...document, artifactType: 'application/x' }),
    );
    await store.push(config, toBytes('{}'));
    await store.push(referrer, jsonBytes({ ...document, artifactType: 'application/x' }));
    await store.tag(referrer, '');
    expect(await collect(store.referrers(root))).toEqual([{ ...referrer, artifactType: 'application/x' }]);
    expect(await collect(store.referrers(root, 'application/y'))).toEqual([]);
    expect(await collect(store.referrers(referrer))).toEqual([]);
  });

  test('reads the listed manifests once for the referrers of 9,000 subjects, and again after a change', async () => {
    const { folder } = copyOf('single-oci');
    const { store, root } = await openImage(folder);
    let reads = 0;
    const { fetch } = store;
    store.fetch = (target, options) => {
      reads += 1;
      return fetch.call(store, target, options);
    };
    for (let i = 0; i < 9000; i++) await collect(store.referrers({ ...root, digest: digestOf(toBytes(String(i))) }));
    expect(reads).toBe(1);
    const content = jsonBytes({ schemaVersion: 2, config: root, layers: [], subject: root });
    const referrer = describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, content);
    await store.push(referrer, content);
    await store.tag(referrer, '');
    expect(await collect(store.referrers(root))).toMatchObject([{ digest: referrer.digest }]);
    expect(reads).toBe(3);
  });
});

/** The layout `attested`, which lists one index over two manifests: an image and its attestation. */
async function openTwo(folder: string) {
  const store = await openLayout(folder);
  const [first, second] = parseImageIndex(await readVerified(store, await store.resolve())).manifests;
  return { store, first: first as Descriptor, second: second as Descriptor };
}

function makeFolder(files: Readonly<Record<string, string>>): string {
  const folder = join(temp, `made-${readdirSync(temp).length}`);
  mkdirSync(folder);
  const index = { 'index.json': '{"schemaVersion":2,"manifests":[]}' };
  for (const [name, content] of Object.entries({ ...index, ...files })) writeFileSync(join(folder, name), content);
  return folder;
}

/** Moves a file or folder out of a layout and replaces it by a symbolic link. @returns its new path */
function replaceByLink(path: string): string {
  const outside = join(temp, `outside-${readdirSync(temp).length}`);
  renameSync(path, outside);
  symlinkSync(outside, path);
  return outside;
}
