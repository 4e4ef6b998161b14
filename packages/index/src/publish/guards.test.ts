import { openRegistry, type Registry, RegistryError } from '@soci/registry';
import { GUARDS, type ImageIndexer } from '@soci/test-content/vitest';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterEach, describe, it } from 'vitest';
import { SociIndexError } from '../errors.ts';
import { indexImage } from './index-image.ts';

const running: { readonly registry: TestRegistry; readonly client: Registry }[] = [];

afterEach(async () => {
  for (const { registry, client } of running.splice(0)) {
    client.close();
    await registry.stop();
  }
});

/** Starts a registry and an indexer that calls `indexImage` within one repository. */
async function start(options: object = {}): Promise<ImageIndexer> {
  const registry = await startTestRegistry({ redirects: true, ...options });
  const client = openRegistry(registry.host, { plainHttp: true, retry: { maxAttempts: 2 } });
  running.push({ registry, client });
  return {
    registry,
    canForce: true,
    async index({ tag = 'v1', version = 2, spanSize, verify, compat, force = false }) {
      const store = client.repository('app');
      try {
        const result = await indexImage(
          { store, reference: tag },
          { store, ...(version === 2 && { tag: `${tag}-soci` }) },
          {
            minLayerSize: 1000,
            jobs: 1,
            version,
            force,
            ...(spanSize !== undefined && { spanSize }),
            ...(verify && { proof: { spans: 4 } }),
            ...(compat && { compat: 'soci-cli' }),
          },
        );
        return 'reason' in result ? result.reason : result.outcome;
      } catch (error) {
        if (error instanceof RegistryError && error.code === 'ACCESS_DENIED') return 'access-denied';
        if (error instanceof SociIndexError) return 'image-invalid';
        throw error;
      }
    },
  };
}

describe('guards of indexImage', () => {
  it.each(GUARDS)('$name', async (guard) => guard.run(await start(guard.registry)));
});
