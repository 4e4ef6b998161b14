import { readGoldenRuns } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { openGolden } from '../fixtures/golden.ts';
import type { SociIndexOptions } from '../options.ts';
import { buildSociIndex } from './build-index.ts';
import { convertImage } from './convert-image.ts';

describe.each(Object.entries(readGoldenRuns()))('%s produces the same output as soci', (name, runs) => {
  it.each(runs.map((golden) => [JSON.stringify(golden.run), golden] as const))('%s', async (_, golden) => {
    const { v, span, min, xattr, prefetch } = golden.run;
    const options: SociIndexOptions = {
      compat: 'soci-cli',
      spanSize: span,
      minLayerSize: min,
      optimizations: xattr ? ['xattr'] : [],
      prefetchFiles: prefetch,
      jobs: 1,
    };
    const { store, image } = await openGolden(name);
    const building = v === 1 ? buildSociIndex(store, image, options) : convertImage(store, image, options);
    if (golden.printed === undefined) {
      await expect(
        building.then(
          ({ outcome }) => outcome,
          ({ code }) => code,
        ),
      ).resolves.toMatch(/^(nothing-to-index|LAYER_TYPE_INVALID|LAYER_INVALID)$/);
      return;
    }
    const result = await building;
    if (result.outcome !== 'indexed') throw new Error('soci indexes this layout');
    expect('root' in result ? [result.root] : result.indexes).toEqual(golden.printed);
    const added = Object.entries(golden.added ?? {});
    const made = new Map(result.artifacts.map(({ descriptor, content }) => [descriptor.digest, content]));
    for (const [digest, { json }] of added) {
      if (json !== undefined) expect(Buffer.from(made.get(digest) ?? []).toString()).toBe(json);
    }
    expect([...made.keys()].sort()).toEqual(added.map(([digest]) => digest).sort());
  });
});
