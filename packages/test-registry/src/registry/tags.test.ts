import { expect, test } from 'vitest';
import { pushManifest, seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/start-for-test.ts';
import { errorOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

async function withTags(registry: TestRegistry, tags: readonly string[]): Promise<TestRegistry> {
  const { manifest } = await seedImage(registry, 'app');
  for (const tag of tags) await pushManifest(registry, 'app', tag, manifest);
  return registry;
}

async function list(registry: TestRegistry, query = ''): Promise<{ tags: string[]; link: string | null }> {
  const response = await fetch(`${registry.url}/v2/app/tags/list${query}`);
  const { name, tags } = (await response.json()) as { name: string; tags: string[] };
  expect(name).toBe('app');
  return { tags, link: response.headers.get('link') };
}

test('lists tags in order, ignoring case', async () => {
  const registry = await withTags(await startForTest(), ['v10', 'v2', 'Beta', 'alpha', 'V2']);
  expect(await list(registry)).toEqual({ tags: ['alpha', 'Beta', 'v10', 'V2', 'v2'], link: null });
});

test('lists pages with a link to the next', async () => {
  const registry = await withTags(await startForTest({ pageSize: 2 }), ['a', 'b', 'c', 'd', 'e']);
  const pages: string[][] = [];
  for (let query: string | undefined = ''; query !== undefined; ) {
    const { tags, link }: { tags: string[]; link: string | null } = await list(registry, query);
    pages.push(tags);
    query = link === null ? undefined : (/^<\/v2\/app\/tags\/list(\?.+)>; rel="next"$/.exec(link)?.[1] as string);
  }
  expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

test('supports n and last', async () => {
  const registry = await withTags(await startForTest(), ['a', 'b', 'c']);
  expect(await list(registry, '?n=1&last=a')).toEqual({ tags: ['b'], link: expect.stringContaining('last=b') });
  expect((await list(registry, '?last=bb')).tags).toEqual(['c']);
  expect(await list(registry, '?n=0')).toEqual({ tags: [], link: null });
  const response = await fetch(`${registry.url}/v2/app/tags/list?n=many`);
  expect(await errorOf(response)).toEqual([400, 'PAGINATION_NUMBER_INVALID']);
});

test('responds with 404 for a missing repository', async () => {
  const registry = await startForTest();
  expect(await errorOf(await fetch(`${registry.url}/v2/app/tags/list`))).toEqual([404, 'NAME_UNKNOWN']);
});
