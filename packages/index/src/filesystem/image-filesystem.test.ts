import { gzipSync } from 'node:zlib';
import { type Descriptor, MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { concat, put, putImage, putIndex, TAR_END, tarEntry } from '@soci/test-content';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import { CountingStore } from '../fixtures/observed-stores.ts';
import type { ImageFilesystem } from './image-filesystem.ts';
import { openImageFilesystem } from './open-image-filesystem.ts';

/** Entries of a layer by path: content of a file, `-> TARGET` for a symbolic link, empty for a directory. */
type LayerFiles = Readonly<Record<string, string>>;

const LAYERS: readonly LayerFiles[] = [
  {
    'etc/': '',
    'etc/os-release': 'base',
    'etc/removed': 'base',
    'opt/': '',
    'opt/old/': '',
    'opt/old/file': 'base',
    lib: '-> usr/lib',
    'usr/lib/libc.so': 'libc',
    data: 'a file',
  },
  {
    'etc/.wh.removed': '',
    'etc/os-release': 'upper',
    'opt/.wh..wh..opq': '',
    'opt/new': 'upper',
    'data/': '',
    'data/inside': 'x',
  },
  { top: '-> /lib/libc.so', loop: '-> loop', far: '-> ../../etc/os-release', 'usr/lib/extra': 'e' },
];

const AMD64 = { architecture: 'amd64', os: 'linux' };
const ARM64 = { architecture: 'arm64', os: 'linux' };

const store = new MemoryStore();
let layers: Descriptor[];
let image: Descriptor;
let converted: Descriptor;

function layerOf(files: LayerFiles): Uint8Array {
  const entries = Object.entries(files).map(([name, content]) => {
    if (content.startsWith('-> ')) return tarEntry({ name, type: '2', linkName: content.slice(3) });
    return tarEntry({ name, type: name.endsWith('/') ? '5' : '0' }, content);
  });
  return gzipSync(concat(...entries, TAR_END));
}

beforeAll(async () => {
  layers = [];
  for (const files of LAYERS) layers.push(await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, layerOf(files)));
  image = await putImage(store, AMD64, layers);
  const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1 });
  if (result.outcome !== 'indexed') throw new Error(result.outcome);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  converted = result.root;
});

describe.each(['with zTOCs', 'without zTOCs'])('the files of an image %s', (kind) => {
  const open = () => openImageFilesystem(store, kind === 'without zTOCs' ? image : converted);

  async function read(path: string): Promise<string | undefined> {
    const file = await (await open()).lookup(path, { followSymlinks: true });
    if (file?.entry === undefined) return undefined;
    return Buffer.from(await file.reader.readFile(file.entry)).toString();
  }

  it.each([
    ['/etc/os-release', 'upper'],
    ['etc/../etc/./os-release', 'upper'],
    ['/opt/new', 'upper'],
    ['/data/inside', 'x'],
    ['/lib/libc.so', 'libc'],
    ['/top', 'libc'],
    ['/far', 'upper'],
    ['/etc/removed', undefined],
    ['/opt/old/file', undefined],
    ['/usr', undefined],
  ])('%s contains %s', async (path, content) => {
    expect(await read(path)).toBe(content);
  });

  it.each([
    ['', ['data', 'etc', 'far', 'lib', 'loop', 'opt', 'top', 'usr']],
    ['etc', ['os-release']],
    ['/opt/', ['new']],
    ['usr/lib', ['extra', 'libc.so']],
    ['opt/old', undefined],
    ['nothing', undefined],
    ['lib', undefined],
  ])('the directory %j contains %j', async (path, names) => {
    expect((await (await open()).readdir(path))?.map(({ name }) => name)).toEqual(names);
  });

  it('follows symbolic links in directories, and detects loops', async () => {
    const files = await open();
    expect(await files.realpath('/top')).toBe('usr/lib/libc.so');
    expect(await files.realpath('/lib/../nothing')).toBe('usr/nothing');
    expect((await files.lookup('top'))?.entry?.type).toBe('symlink');
    await expect(files.realpath('/loop')).rejects.toMatchObject({ code: 'SYMLINK_LOOP' });
  });
});

describe('links to other layers', () => {
  const hardLink = (name: string, linkName: string) => tarEntry({ name, type: '1', linkName });
  const file = (name: string, content = '') => tarEntry({ name }, content);
  const symlink = (name: string, linkName: string) => tarEntry({ name, type: '2', linkName });

  /** Opens an image whose layers have these entries, with and without zTOCs. */
  async function openBoth(...layers: readonly (readonly Uint8Array[])[]) {
    const own = new MemoryStore();
    const blobs: Descriptor[] = [];
    for (const entries of layers)
      blobs.push(await put(own, MEDIA_TYPE_OCI_LAYER_GZIP, gzipSync(concat(...entries, TAR_END))));
    const plain = await putImage(own, AMD64, blobs);
    const result = await convertImage(own, plain, { minLayerSize: 0, jobs: 1 });
    if (result.outcome !== 'indexed') throw new Error(result.outcome);
    for (const { descriptor, content } of result.artifacts) await own.push(descriptor, content);
    return Promise.all([openImageFilesystem(own, plain), openImageFilesystem(own, result.root)]);
  }

  async function read(files: ImageFilesystem, path: string): Promise<string | undefined> {
    const found = await files.lookup(path, { followSymlinks: true });
    return found?.entry && Buffer.from(await found.reader.readFile(found.entry)).toString();
  }

  it.each([
    ['in the next layer', [[file('lib.so', 'library')], [hardLink('copy', 'lib.so')]]],
    ['two layers below', [[file('lib.so', 'library')], [file('x')], [hardLink('copy', './lib.so')]]],
    ['over several hops', [[file('a', 'library')], [hardLink('b', '/a'), hardLink('c', 'b')], [hardLink('copy', 'c')]]],
    ['that its own layer removes', [[file('a', 'library')], [hardLink('copy', 'a'), file('.wh.a')]]],
    ['that an upper layer removes', [[file('a', 'library')], [hardLink('copy', 'a')], [file('.wh.a')]]],
    ['that an upper layer replaces', [[file('a', 'library')], [hardLink('copy', 'a')], [file('a', 'new')]]],
    ['in an opaque directory', [[file('d/a', 'library')], [hardLink('copy', 'd/a'), file('d/.wh..wh..opq')]]],
    ['below a symbolic link', [[file('usr/a', 'library'), symlink('d', 'usr')], [hardLink('copy', 'd/a')]]],
    ['that is a symbolic link', [[file('x/a', 'library'), symlink('link', 'x/a')], [hardLink('copy', 'link')]]],
    [
      'that is a symbolic link, relative to the hard link',
      [[symlink('d/link', 'a'), file('d/a', 'wrong'), file('a', 'library')], [hardLink('copy', 'd/link')]],
    ],
    [
      'through a symbolic link of an upper layer',
      [[file('a', 'library')], [hardLink('b', 'a')], [symlink('copy', 'b')]],
    ],
  ])('follows a hard link to a file %s', async (_, layers) => {
    for (const files of await openBoth(...layers)) {
      expect(await read(files, 'copy')).toBe('library');
      expect((await files.readdir(''))?.map(({ name }) => name)).toContain('copy');
    }
  });

  it('shows the hard link itself if links are not followed', async () => {
    for (const files of await openBoth([file('a', 'library')], [hardLink('copy', 'a')]))
      expect((await files.lookup('copy'))?.entry?.type).toBe('hardlink');
  });

  it.each([
    ['that a layer below has removed', [[file('a')], [file('.wh.a')], [hardLink('copy', 'a')]]],
    ['that only an upper layer has', [[hardLink('copy', 'a')], [file('a')]]],
    ['that is itself', [[file('a')], [hardLink('copy', 'copy')]]],
  ])('fails to read a hard link to a file %s', async (_, layers) => {
    for (const files of await openBoth(...layers))
      await expect(read(files, 'copy')).rejects.toMatchObject({ code: 'ENTRY_NOT_FOUND' });
  });
});

it('reads only the spans of a file, and a layer without a zTOC once', async () => {
  const indexed = await openImageFilesystem(store, converted);
  const file = await indexed.lookup('etc/os-release');
  expect(indexed.bytesRead).toBe(0);
  if (file?.entry) await file.reader.readFile(file.entry);
  expect(indexed.bytesRead).toBe(file?.entry && file.reader.bytesToFetch(file.entry));
  expect((await indexed.indexedLayers()).map(({ layer }) => layer.digest)).toEqual(layers.map(({ digest }) => digest));

  const plain = await openImageFilesystem(store, image);
  await plain.lookup('nothing');
  await plain.lookup('etc');
  expect(plain.bytesRead).toBe(layers.reduce((sum, { size }) => sum + size, 0));
  expect(await plain.indexedLayers()).toEqual([]);
});

it('reads a layer once that the image contains 9,000 times', async () => {
  const own = new CountingStore();
  const layer = await put(own, MEDIA_TYPE_OCI_LAYER_GZIP, layerOf({ file: 'x', link: '-> file' }));
  const repeated = await putImage(own, AMD64, Array(9000).fill(layer));
  const files = await openImageFilesystem(own, repeated);
  expect((await files.lookup('link', { followSymlinks: true }))?.entry?.type).toBe('reg');
  expect((await files.readdir(''))?.map(({ name }) => name)).toEqual(['file', 'link']);
  expect(own.fetches.get(layer.digest)).toBe(1);
});

it('finds version 1 indexes among the referrers', async () => {
  const own = new MemoryStore();
  const layer = await put(own, MEDIA_TYPE_OCI_LAYER_GZIP, layerOf({ file: 'x' }));
  const subject = await putImage(own, AMD64, [layer]);
  const built = await buildSociIndex(own, subject, { minLayerSize: 0, jobs: 1 });
  if (built.outcome !== 'indexed') throw new Error(built.outcome);
  for (const { descriptor, content } of built.artifacts) await own.push(descriptor, content);
  expect(await (await openImageFilesystem(own, subject)).indexedLayers()).toHaveLength(1);
});

describe('openImageFilesystem for an image with several platforms', () => {
  let index: Descriptor;

  beforeAll(async () => {
    const other = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, layerOf({ 'only-arm64': '' }));
    const manifests = [
      { ...image, platform: AMD64 },
      { ...(await putImage(store, ARM64, [other])), platform: ARM64 },
    ];
    index = await putIndex(store, manifests);
  });

  it('opens the selected platform', async () => {
    const files = await openImageFilesystem(store, index, { platform: ARM64 });
    expect((await files.readdir(''))?.map(({ name }) => name)).toEqual(['only-arm64']);
  });

  it('fails without a platform, or if the platform does not exist', async () => {
    const message = 'the image has several platforms, select one: linux/amd64, linux/arm64';
    await expect(openImageFilesystem(store, index)).rejects.toMatchObject({ code: 'PLATFORM_AMBIGUOUS', message });
    const s390x = { architecture: 's390x', os: 'linux' };
    await expect(openImageFilesystem(store, index, { platform: s390x })).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
      message: 'the image has no manifest for linux/s390x, only for linux/amd64, linux/arm64',
    });
    await expect(openImageFilesystem(store, image, { platform: s390x })).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
    });
    await expect(openImageFilesystem(store, await putIndex(store, []))).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
    });
  });
});

it('throws the abort reason of the signal', async () => {
  const signal = AbortSignal.abort('enough');
  await expect(openImageFilesystem(store, image, { signal })).rejects.toBe('enough');
});
