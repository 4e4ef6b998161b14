import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { beforeEach, describe, expect, it } from 'vitest';
import { packImage } from '../fixtures/pack-image.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const folder = temporaryFolder();
const SIZE = 32 << 20;

/** An image with one large layer: random bytes around a small file. */
const layout = join(folder, 'large');
await packImage(layout, [
  { 'data/a': randomBytes(SIZE / 2), 'data/small': 'the small file', 'data/z': randomBytes(SIZE / 2) },
]);

describe.each([false, true])('a large image in a registry, with redirects: %s', (redirects) => {
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

  it('is read only in the spans that contain the file', async () => {
    const image = `${registry.host}/app:v1-soci`;
    expect((await runCli(['cat', image, 'data/small'])).stdout).toBe('the small file');
    expect(sent()).toBeLessThan(4 << 20);
    const [result] = jsonLines<{ bytesRead: number; imageSize: number }>(
      await runCli(['cat', '--json', image, 'data/small']),
    );
    expect(result?.imageSize).toBeGreaterThan(SIZE);
    expect(result?.bytesRead).toBeLessThan(4 << 20);
  });

  it('is listed and inspected from its zTOC, without reading its layers', async () => {
    const image = `${registry.host}/app:v1-soci`;
    expect((await runCli(['ls', '-q', image, 'data'])).stdout).toBe('a\nsmall\nz\n');
    expect((await runCli(['inspect', image])).stdout).toContain('SOCI index v2');
    expect((await runCli(['inspect', '-q', '--layer', await layerOf(image), image])).stdout).toContain('data/small');
    // Four commands read the zTOC, which has 32 KiB for each of 33 spans.
    expect(sent()).toBeLessThan(SIZE / 4);
  });

  it('is read completely if it has no index', async () => {
    expect((await runCli(['cat', `${registry.host}/app:v1`, 'data/small'])).stdout).toBe('the small file');
    expect(sent()).toBeGreaterThan(SIZE);
  });
});

async function layerOf(source: string): Promise<string> {
  const [image] = jsonLines<{ platforms: { layers: { layer: string }[] }[] }>(
    await runCli(['inspect', '--json', source]),
  );
  return image?.platforms[0]?.layers[0]?.layer ?? '';
}
