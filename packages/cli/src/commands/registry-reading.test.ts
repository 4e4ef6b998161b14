import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { beforeEach, describe, expect, it } from 'vitest';
import { packImage } from '../fixtures/packed-image.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { testRegistries } from '../fixtures/test-registries.ts';

const start = testRegistries();
const folder = temporaryFolder();
const SIZE = 32 << 20;

/** An image with a large layer that random bytes fill, and a small file among them. */
const layout = join(folder, 'large');
await packImage(layout, [
  { 'data/a': randomBytes(SIZE / 2), 'data/small': 'what is looked for', 'data/z': randomBytes(SIZE / 2) },
]);

describe.each([false, true])('a large image in a registry, its blobs elsewhere: %s', (redirects) => {
  let registry: TestRegistry;
  const sent = () => registry.requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0);

  beforeEach(async () => {
    registry = await start({ redirects });
    await registry.loadLayout('app', layout, 'v1');
    expect(
      await runCli(['convert', '-q', '--span-size', '1MiB', `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`]),
    ).toMatchObject({ code: 0 });
    registry.clearRequests();
  });

  it('is read by the spans that hold a file', async () => {
    const place = `${registry.host}/app:v1-soci`;
    expect((await runCli(['cat', place, 'data/small'])).stdout).toBe('what is looked for');
    expect(sent()).toBeLessThan(4 << 20);
    const [told] = jsonLines<{ bytesRead: number; imageSize: number }>(
      await runCli(['cat', '--json', place, 'data/small']),
    );
    expect(told?.imageSize).toBeGreaterThan(SIZE);
    expect(told?.bytesRead).toBeLessThan(4 << 20);
  });

  it('is listed and inspected without its layers', async () => {
    const place = `${registry.host}/app:v1-soci`;
    expect((await runCli(['ls', '-q', place, 'data'])).stdout).toBe('a\nsmall\nz\n');
    expect((await runCli(['inspect', place])).stdout).toContain('SOCI index v2');
    expect((await runCli(['inspect', '-q', '--layer', await layerOf(place), place])).stdout).toContain('data/small');
    expect(sent()).toBeLessThan(4 << 20);
  });

  it('is read whole where it has no index', async () => {
    expect((await runCli(['cat', `${registry.host}/app:v1`, 'data/small'])).stdout).toBe('what is looked for');
    expect(sent()).toBeGreaterThan(SIZE);
  });
});

async function layerOf(place: string): Promise<string> {
  const [image] = jsonLines<{ platforms: { layers: { layer: string }[] }[] }>(
    await runCli(['inspect', '--json', place]),
  );
  return image?.platforms[0]?.layers[0]?.layer ?? '';
}
