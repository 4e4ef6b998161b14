import {
  copyImage,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER_GZIP,
} from '@soci/oci';
import { contentOf, noise } from '@soci/test-content';
import { startTestRegistry, type TestRegistryOptions } from '@soci/test-registry';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RegistryOptions } from './options.ts';
import { openRegistry } from './registry.ts';

/** Layers of three chunks: their upload needs requests before they are read to the end. */
const LAYER_SIZE = 20 * 2 ** 20;

/** A registry that holds an image of several such layers, and a client of it. */
async function openImage(layerCount: number, options: RegistryOptions, server: TestRegistryOptions = {}) {
  const registry = await startTestRegistry(server);
  onTestFinished(() => registry.stop());
  const client = openRegistry(registry.host, { credentials: async () => undefined, env: {}, ...options });
  onTestFinished(() => client.close());
  const config = contentOf(MEDIA_TYPE_OCI_IMAGE_CONFIG, { architecture: 'amd64', os: 'linux' });
  const bytes = noise(LAYER_SIZE);
  const layers = Array.from({ length: layerCount }, (_, index) => {
    bytes[0] = index;
    return contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, bytes.slice());
  });
  for (const blob of [config, ...layers]) await registry.putBlob('source', blob.bytes);
  const manifest = contentOf(MEDIA_TYPE_OCI_IMAGE_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  const source = client.repository('source');
  await source.pushManifest(manifest.descriptor, manifest.bytes);
  return { registry, client, source, layers, image: manifest.descriptor };
}

describe('bodies that are open, each with a connection of its own', () => {
  test.each([2, 4])('never take all %i of a host: what their receivers need is answered', async (maxConnections) => {
    const { client, source, image, layers } = await openImage(6, { maxConnections });
    const copied = await copyImage(source, client.repository('target'), image, { concurrency: 6 });
    expect(copied).toMatchObject({ copied: layers.length + 2 });
  });

  test('leave room for requests while each is read over several connections', async () => {
    const { source, image, layers } = await openImage(8, { maxConnections: 16 }, { redirects: true, rate: 2 ** 24 });
    const lengths = layers.map(async ({ descriptor }) => {
      let length = 0;
      for await (const chunk of source.fetch(descriptor, { reuseChunks: true })) {
        length += chunk.length;
        if (length === descriptor.size) expect(await source.exists(image)).toBe(true);
      }
      return length;
    });
    expect(await Promise.all(lengths)).toEqual(Array(8).fill(LAYER_SIZE));
  });

  test('give theirs back when their receivers stop', async () => {
    const { source, layers, image } = await openImage(1, { maxConnections: 2 });
    const layer = layers[0]?.descriptor ?? expect.fail();
    for (let times = 0; times < 20; times += 1) {
      for await (const chunk of source.fetch(layer)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    }
    expect(await source.exists(image)).toBe(true);
  });
});
