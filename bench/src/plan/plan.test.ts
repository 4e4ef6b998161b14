import { expect, it } from 'vitest';
import { GeneratedCatalog, measurePlan } from './main.ts';

it('a plan of 20,000 images takes one request per 1,000 listed manifests', async () => {
  const { images, items, requests, memory } = await measurePlan(20_000);
  // A quarter has an index, of which a tenth is stale.
  expect([images, items]).toEqual([20_000, 15_500]);
  // Each repository lists 250 manifests: one page. One more request lists the repositories.
  expect(requests).toBe(101);
  expect(memory).toBeLessThan(1e9);
});

it('the generated listing is the same each time', async () => {
  const list = async () => {
    const pages = [];
    for await (const page of new GeneratedCatalog(1000).images('team/app-1')) pages.push(...page);
    return pages;
  };
  expect(await list()).toEqual(await list());
});
