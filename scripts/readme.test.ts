import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openLayout } from '@soci/oci/layout';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from './workspace/packages.ts';

let folder: string;
beforeAll(() => {
  // Beside the installed packages, which the example imports by name.
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'readme-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The examples in TypeScript, in their order: the construct, the library. */
const [construct = '', library = ''] = [
  ...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g),
].map(([, example]) => example);

it("has of the construct's example what tells it from any other app", () => {
  const whole = readFileSync(join(ROOT, 'packages', 'construct', 'src', 'fixtures', 'readme-example.ts'), 'utf8');
  for (const part of construct.trim().split('\n\n')) expect(whole).toContain(part);
});

it("runs the library's example", async () => {
  writeFileSync(join(folder, 'example.ts'), library);
  const layout = join(folder, 'app');
  cpSync(join(ROOT, 'conformance', 'golden', 'layouts', 'single-oci'), layout, { recursive: true });
  const image = await (await openLayout(layout)).resolve();
  await (await openLayout(layout)).tag(image, 'v1');

  const { makeSeekable } = (await import(pathToFileURL(join(folder, 'example.ts')).href)) as {
    makeSeekable(folder: string, tag: string): Promise<void>;
  };
  await makeSeekable(layout, 'v1');

  const made = await (await openLayout(layout)).resolve('v1-soci');
  expect(made.mediaType).toBe('application/vnd.oci.image.index.v1+json');
});
