import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { contentOf, makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from './workspace/packages.ts';

let folder: string;
beforeAll(() => {
  // In node_modules, because the example imports packages by name.
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'readme-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The TypeScript examples in order: construct, library. */
const [construct = '', library = ''] = [
  ...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g),
].map(([, example]) => example);

it("contains the construct's example, without the surrounding app", () => {
  const whole = readFileSync(join(ROOT, 'packages', 'construct', 'src', 'fixtures', 'readme-example.ts'), 'utf8');
  for (const part of construct.trim().split('\n\n')) expect(whole).toContain(part);
});

it('docs/README.md links to every page of docs', () => {
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md');
  const index = readFileSync(join(ROOT, 'docs', 'README.md'), 'utf8');
  expect(pages.filter((name) => !index.includes(`](${name})`))).toEqual([]);
});

it("runs the library's example", async () => {
  writeFileSync(join(folder, 'example.ts'), library);
  const registry = await startTestRegistry();
  try {
    const layer = contentOf('application/vnd.oci.image.layer.v1.tar', gunzipSync(makeLayer('app', 11 << 20).bytes));
    await pushImage(registry, 'app', 'v1', makeImage([layer]));
    const { makeSeekable } = (await import(pathToFileURL(join(folder, 'example.ts')).href)) as {
      makeSeekable(host: string, path: string, tag: string): Promise<string>;
    };
    expect(await makeSeekable(registry.host, 'app', 'v1')).toMatch(/^indexed: sha256:/);
    expect(registry.manifest('app', 'v1-soci')?.mediaType).toBe('application/vnd.oci.image.index.v1+json');
  } finally {
    await registry.stop();
  }
});
