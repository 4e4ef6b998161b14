import {
  collect,
  describeContent,
  goldenLayoutNames,
  goldenLayoutPath,
  jsonBytes,
  put,
  toBytes,
} from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import type { Descriptor } from './descriptor.ts';
import { makeImage } from './fixtures/image.ts';
import { openLayout } from './layout/layout-store.ts';
import {
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER_GZIP,
} from './media-types.ts';
import { MemoryStore } from './memory-store.ts';
import { type ContentNode, type WalkOptions, walkContent } from './walk.ts';

async function walk(store: MemoryStore, root: Descriptor, options?: WalkOptions): Promise<ContentNode[]> {
  return collect(walkContent(store, root, options));
}

const typesOf = (nodes: readonly ContentNode[]) =>
  nodes.map(({ descriptor }) => descriptor.mediaType.replace(/^application\/vnd\.oci\.image\.|\.v1.*$/g, ''));

describe('walkContent', () => {
  test('yields leaves before roots, each blob once, and manifests with their bytes', async () => {
    const { store, root } = await makeImage();
    const nodes = await walk(store, root);
    const image = ['config', 'layer', 'layer', 'manifest'];
    expect(typesOf(nodes)).toEqual([...image, 'config', 'layer', 'manifest', 'index']);
    expect(nodes.at(-1)?.descriptor).toBe(root);
    expect(nodes.filter(({ raw }) => raw !== undefined)).toHaveLength(3);
  });

  test('yields a single blob', async () => {
    const store = new MemoryStore();
    const blob = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, toBytes('x'));
    expect(await walk(store, blob)).toEqual([{ descriptor: blob }]);
  });

  test('does not follow a subject, which may be missing', async () => {
    const store = new MemoryStore();
    const config = await put(store, MEDIA_TYPE_OCI_EMPTY, toBytes('{}'));
    const subject = describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, toBytes('missing'));
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: [], subject };
    const root = await put(store, MEDIA_TYPE_OCI_IMAGE_MANIFEST, jsonBytes(manifest));
    expect((await walk(store, root)).map(({ descriptor }) => descriptor.digest)).toEqual([config.digest, root.digest]);
  });

  test('follows a manifest that is also listed as a blob', async () => {
    const { store, manifests } = await makeImage();
    const inner = manifests[0] as Descriptor;
    const config = await put(store, MEDIA_TYPE_OCI_EMPTY, toBytes('{}'));
    const asLayer = { ...inner, mediaType: 'application/octet-stream', platform: undefined };
    const holder = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: [asLayer] };
    const first = await put(store, MEDIA_TYPE_OCI_IMAGE_MANIFEST, jsonBytes(holder));
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests: [first, inner] };
    const root = await put(store, MEDIA_TYPE_OCI_IMAGE_INDEX, jsonBytes(index));
    expect(typesOf(await walk(store, root)).filter((type) => type === 'layer')).toHaveLength(2);
  });

  test('rejects too many levels', async () => {
    const { store, root } = await makeImage();
    let top = root;
    for (let level = 0; level < 7; level += 1) {
      const index = {
        schemaVersion: 2,
        mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX,
        manifests: [top],
        annotations: { level: `${level}` },
      };
      top = await put(store, MEDIA_TYPE_OCI_IMAGE_INDEX, jsonBytes(index));
    }
    await expect(walk(store, top)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining('more than 8 levels'),
    });
    expect(await walk(store, top, { limits: { maxDepth: 9 } })).toHaveLength(15);
  });

  test('rejects too many blobs and manifests', async () => {
    const { store, root } = await makeImage();
    await expect(walk(store, root, { limits: { maxNodes: 7 } })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await walk(store, root, { limits: { maxNodes: 8 } })).toHaveLength(8);
  });

  test('throws the reason of its signal', async () => {
    const { store, root } = await makeImage();
    const reason = new Error('stopped');
    await expect(walk(store, root, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test.each(goldenLayoutNames())('walks the golden layout %s', async (name) => {
    const layout = await openLayout(goldenLayoutPath(name));
    for (const root of await layout.roots()) {
      for await (const { descriptor } of walkContent(layout, root)) expect(await layout.exists(descriptor)).toBe(true);
    }
  });
});
