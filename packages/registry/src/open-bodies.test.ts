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

/** Size of a layer: three chunks, so its upload sends requests before the layer is read to the end. */
const LAYER_SIZE = 20 * 2 ** 20;

/** Starts a registry with an image of such layers, and opens a client. */
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

describe('open response bodies', () => {
  test.each([2, 4])(
    'never occupy all %i connections to a host, so their consumers can send requests',
    async (maxConnections) => {
      const { client, source, image, layers } = await openImage(6, { maxConnections });
      const copied = await copyImage(source, client.repository('target'), image, { concurrency: 6 });
      expect(copied).toMatchObject({ copied: layers.length + 2 });
    },
  );

  test('leave a connection for other requests when each is read over several connections', async () => {
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

  test('release their connections when their consumers stop', async () => {
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
