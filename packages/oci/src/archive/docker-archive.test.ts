import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  dockerArchive,
  dockerLayoutArchive,
  drain,
  hasProgram,
  jsonBytes,
  type SavedImage,
  savedConfig,
  sha256,
  streamOf,
  tarEntry,
  tarOf,
} from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLayout } from '../layout/layout-draft.ts';
import { parseManifest } from '../manifest.ts';
import { readVerified } from '../read.ts';
import { walkContent } from '../walk.ts';
import { openArchive } from './archive-store.ts';
import { openDockerArchive } from './docker-archive.ts';

const temp = temporaryFolder();
const base = tarOf({ 'etc/os-release': 'ID=debian\n' });
const top = tarOf({ 'app/main.js': 'console.log(1)\n' });
const app: SavedImage = { names: ['team/app:v1', 'team/app:latest'], layers: [base, top] };
const ubuntu: SavedImage = { names: ['ubuntu:latest'], layers: [base] };
const untagged: SavedImage = { names: [], layers: [top] };
let count = 0;

function save(archive: Uint8Array): string {
  count += 1;
  const path = join(temp, `${count}.tar`);
  writeFileSync(path, archive);
  return path;
}

async function open(archive: Uint8Array) {
  const store = await openDockerArchive(save(archive));
  onTestFinished(() => store.close());
  return store;
}

/** Opens an archive and returns the manifest with a name. All content is read and verified. */
async function manifestOf(archive: Uint8Array, name = '') {
  const store = await open(archive);
  const root = await store.resolve(name);
  for await (const { descriptor, raw } of walkContent(store, root)) {
    if (raw === undefined) await readVerified(store, descriptor);
  }
  return parseManifest(await readVerified(store, root), root);
}

describe.each([
  ['Docker 24', dockerArchive],
  ['Docker 25', dockerLayoutArchive],
])('an archive of %s', (_, makeArchive) => {
  test('has the layers and the configuration unchanged, and the digest of a layer is its diff ID', async () => {
    const { config, layers } = await manifestOf(makeArchive([app]));
    expect(layers).toEqual([
      { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha256(base), size: base.length },
      { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha256(top), size: top.length },
    ]);
    expect(config.digest).toBe(sha256(savedConfig(app)));
  });

  test.each(['ubuntu', 'ubuntu:latest', 'library/ubuntu', 'docker.io/library/ubuntu:latest'])(
    'finds an image by the familiar name %s',
    async (name) => {
      const { layers } = await manifestOf(makeArchive([app, ubuntu]), name);
      expect(layers.map(({ digest }) => digest)).toEqual([sha256(base)]);
    },
  );

  test('finds an image by each of its names, and lists images by position', async () => {
    const store = await open(makeArchive([ubuntu, app, untagged]));
    const roots = await store.roots();
    expect(roots).toHaveLength(3);
    expect((await store.resolve('team/app:v1')).digest).toBe(roots[1]?.digest);
    expect((await store.resolve('team/app')).digest).toBe(roots[1]?.digest);
  });

  test('lists its images if a name is missing or needed', async () => {
    const store = await open(makeArchive([ubuntu, app]));
    const names = /ubuntu:latest.*team\/app:v1/;
    await expect(store.resolve('debian')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(names),
    });
    await expect(store.resolve()).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringMatching(names) });
  });

  test('has one image for several names without asking for one', async () => {
    expect((await manifestOf(makeArchive([app]))).layers).toHaveLength(2);
  });

  test('keeps gzip layers, with the digest of the gzip file', async () => {
    const layer = gzipSync(top);
    const { layers } = await manifestOf(makeArchive([{ names: [], layers: [base, layer] }]));
    expect(layers.at(-1)).toEqual({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: sha256(layer),
      size: layer.length,
    });
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('can be compressed with %s, or be a stream', async (__, compress) => {
    const archive = makeArchive([app]);
    expect(await manifestOf(compress(archive))).toEqual(await manifestOf(archive));
    const store = await openDockerArchive(streamOf(compress(archive), 3));
    expect(await drain(store.fetch(await store.resolve()))).toEqual(Buffer.from((await manifestOf(archive)).raw));
    await store.close();
  });
});

describe('an archive of Docker 25', () => {
  test('keeps the original manifest', async () => {
    const path = save(dockerLayoutArchive([ubuntu, app]));
    const [docker, oci] = [await openDockerArchive(path), await openArchive(path)];
    expect((await docker.resolve('team/app:v1')).digest).toBe((await oci.roots())[1]?.digest);
    await Promise.all([docker.close(), oci.close()]);
  });

  test('has the manifest that is generated for the same image in an archive of Docker 24', async () => {
    expect((await manifestOf(dockerArchive([app]))).raw).toEqual((await manifestOf(dockerLayoutArchive([app]))).raw);
  });

  test('gets a new manifest if the original one lists other layers, as Docker 25.0.0 wrote it', async () => {
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const archive = dockerLayoutArchive([app], (files) => {
      const config = savedConfig(app);
      const configDescriptor = {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: sha256(config),
        size: config.length,
      };
      const raw = jsonBytes({ schemaVersion: 2, mediaType, config: configDescriptor, layers: [] });
      files[`blobs/sha256/${sha256(raw).slice(7)}`] = raw;
      const manifests = [{ mediaType, digest: sha256(raw), size: raw.length }];
      files['index.json'] = jsonBytes({ schemaVersion: 2, manifests });
    });
    expect((await manifestOf(archive)).layers).toHaveLength(2);
  });

  test.each(['{', '{"schemaVersion":1}'])('is read if its index.json is %s', async (index) => {
    const archive = dockerLayoutArchive([app], (files) => Object.assign(files, { 'index.json': index }));
    expect((await manifestOf(archive)).layers).toHaveLength(2);
  });
});

test.skipIf(!hasProgram('skopeo'))('reads an archive that skopeo wrote (needs skopeo)', async () => {
  const layout = await createLayout(join(temp, 'layout'));
  const store = await open(dockerArchive([app]));
  const root = await store.resolve('team/app:v1');
  for await (const { descriptor, raw } of walkContent(store, root)) {
    await layout.push(descriptor, raw ?? store.fetch(descriptor));
  }
  await layout.tag(root, 'v1');
  await layout.commit();
  const path = join(temp, 'skopeo.tar');
  execFileSync('skopeo', ['copy', '-q', `oci:${temp}/layout:v1`, `docker-archive:${path}:example.org/team/app:v2`]);
  const copy = await openDockerArchive(path);
  expect(await copy.resolve('example.org/team/app:v2')).toMatchObject({ digest: root.digest, size: root.size });
  for await (const { descriptor, raw } of walkContent(copy, root)) {
    if (raw === undefined) await readVerified(copy, descriptor);
  }
  await copy.close();
});

describe('a damaged archive', () => {
  const manifest = [{ Config: 'config.json', RepoTags: null, Layers: ['layer.tar'] }];
  const image: SavedImage = { names: [], layers: [top] };
  const files = { 'config.json': savedConfig(image), 'layer.tar': top, 'manifest.json': jsonBytes(manifest) };

  test('is a readable one in these tests if nothing is changed', async () => {
    expect((await manifestOf(tarOf(files))).layers).toHaveLength(1);
  });

  test.each([
    ['no manifest.json', { 'config.json': '{}' }, 'ARCHIVE_INVALID', 'docker save'],
    ['only repositories', { repositories: '{}' }, 'ARCHIVE_INVALID', 'older than 1.10'],
    ['only an OCI layout', { 'oci-layout': '{}' }, 'ARCHIVE_INVALID', 'oci-archive:'],
    ['an object as manifest.json', { ...files, 'manifest.json': '{}' }, 'MANIFEST_INVALID', 'must be a list'],
    ['an invalid manifest.json', { ...files, 'manifest.json': '[' }, 'MANIFEST_INVALID', 'not valid JSON'],
    ['an entry without Config', { ...files, 'manifest.json': '[{}]' }, 'MANIFEST_INVALID', 'manifest.json[0].Config'],
    ['a number as an entry', { ...files, 'manifest.json': '[1]' }, 'MANIFEST_INVALID', 'manifest.json[0]'],
    ['no layer file', { ...files, 'layer.tar': '-> other.tar' }, 'ARCHIVE_INVALID', 'has no file "layer.tar"'],
    ['a link to itself', { ...files, 'layer.tar': '-> layer.tar' }, 'ARCHIVE_INVALID', 'loop'],
    ['a link out of the archive', { ...files, 'layer.tar': '-> ../../etc/passwd' }, 'ARCHIVE_INVALID', 'leads out'],
    ['an absolute link', { ...files, 'layer.tar': '-> /etc/passwd' }, 'ARCHIVE_INVALID', 'leads out'],
    ['a configuration that is not JSON', { ...files, 'config.json': 'x' }, 'MANIFEST_INVALID', 'config.json'],
    ['a configuration without diff IDs', { ...files, 'config.json': '{}' }, 'MANIFEST_INVALID', '1 layers'],
    ['a bzip2 layer', { ...files, 'layer.tar': 'BZh91AY' }, 'ARCHIVE_INVALID', 'compressed with bzip2'],
    ['a large manifest.json', { ...files, 'manifest.json': new Uint8Array(5 << 20) }, 'LIMIT_EXCEEDED', '4194304'],
    [
      'too many images',
      { ...files, 'manifest.json': jsonBytes(Array(10_001).fill(0)) },
      'LIMIT_EXCEEDED',
      'the limit of 10000',
    ],
  ])('with %s is rejected', async (_, content, code, words) => {
    await expect(open(tarOf(content))).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test.each(['/etc/passwd', '../../etc/passwd', 'layer.tar/../../etc/passwd'])(
    'cannot name the file %s of the machine',
    async (path) => {
      const hostile = jsonBytes([{ ...manifest[0], Layers: [path] }]);
      await expect(open(tarOf({ ...files, 'manifest.json': hostile }))).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringContaining('has no file'),
      });
    },
  );

  test('whose layer differs from its diff ID is rejected when the layer is read', async () => {
    const changed = tarOf({ ...files, 'layer.tar': base });
    await expect(manifestOf(changed)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('that lists one layer a million times is rejected', async () => {
    const layers = Array(99_999).fill('l');
    const config = jsonBytes({ rootfs: { diff_ids: layers.slice(0, 9000).map(() => sha256(top)) } });
    const images = Array(12).fill({ Config: 'c', Layers: layers.slice(0, 9000) });
    const hostile = tarOf({ c: config, l: top, 'manifest.json': jsonBytes(images) });
    await expect(open(hostile)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

test('paths can have a ./ prefix and other characters than ASCII, and a layer can be a hard link', async () => {
  const image: SavedImage = { names: ['app:v1'], layers: [top] };
  const manifest = jsonBytes([{ Config: './k.json', RepoTags: image.names, Layers: ['a//../ebene-ü.tar'] }]);
  const files = tarOf({ './k.json': savedConfig(image), './layer.tar': top, './manifest.json': manifest });
  const link = tarEntry({ name: 'ebene-ü.tar', type: '1', linkName: 'layer.tar' });
  expect((await manifestOf(Buffer.concat([link, files]), 'app:v1')).layers[0]?.digest).toBe(sha256(top));
});
