// `soci-index create` adds an index of version 1 to an unchanged image. Clients find it as a referrer.

import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { hasTools } from '../tools/tools.ts';
import { goldenImage } from './golden-layout.ts';
import { craneDigest, craneTags, orasReferrers, skopeoPush } from './oracles.ts';
import { realRegistries } from './real-registry.ts';
import { create, sociIndex } from './soci-index.ts';

const SOCI_INDEX_V1 = 'application/vnd.amazon.soci.index.v1+json';
const withOras = test.skipIf(!hasTools('oras', 'skopeo'));
const withCrane = test.skipIf(!hasTools('crane', 'skopeo'));

for (const registry of realRegistries()) {
  describe.skipIf(!registry.isRunning)(registry.name, () => {
    for (const name of ['single-oci', 'single-docker']) {
      withOras(`${name}: oras finds the index that is made between layouts`, async () => {
        const image = goldenImage(name);
        await skopeoPush(image.folder, registry, `create/${name}:v1`);
        const expected = await create(`oci:${image.folder}`, `oci:${temporaryFolder()}`);
        const made = await create(`${registry.host}/create/${name}:v1`);
        expect(made.indexes).toHaveLength(1);
        expect(made.indexes.map(({ digest }) => digest)).toEqual(expected.indexes.map(({ digest }) => digest));
        expect(await orasReferrers(registry, `create/${name}:v1`)).toMatchObject([
          { digest: made.indexes[0]?.digest, artifactType: SOCI_INDEX_V1 },
        ]);
      });
    }

    withOras('indexes every platform of an image, each beside its own manifest', async () => {
      const image = goldenImage('multi');
      await skopeoPush(image.folder, registry, 'create/multi:v1');
      const { indexes } = await create(`${registry.host}/create/multi:v1`);
      const { stdout } = await sociIndex('inspect', '--json', `${registry.host}/create/multi:v1`);
      const { platforms } = JSON.parse(stdout.toString()) as { platforms: { manifest: { digest: string } }[] };
      const found = await Promise.all(
        platforms.map(({ manifest }) => orasReferrers(registry, `create/multi@${manifest.digest}`)),
      );
      expect(found.map((referrers) => referrers.length)).toEqual(platforms.map(() => 1));
      expect(
        found
          .flat()
          .map(({ digest }) => digest)
          .sort(),
      ).toEqual(indexes.map(({ digest }) => digest).sort());
    });

    withCrane('does not change the image, and adds no tag except the one that lists referrers', async () => {
      const image = goldenImage('single-oci');
      await skopeoPush(image.folder, registry, 'create/untouched:v1');
      await create(`${registry.host}/create/untouched:v1`);
      const repository = `${registry.host}/create/untouched`;
      expect(await craneDigest(`${repository}:v1`)).toBe(image.root.digest);
      const fallback = image.root.digest.replace(':', '-');
      expect((await craneTags(repository)).sort()).toEqual(registry.hasReferrers ? ['v1'] : [fallback, 'v1']);
    });

    withOras('writes an index that can be read back', async () => {
      await skopeoPush(goldenImage('single-oci').folder, registry, 'create/verified:v1');
      await create(`${registry.host}/create/verified:v1`);
      const { code, stdout } = await sociIndex('verify', '--json', `${registry.host}/create/verified:v1`);
      const { valid, indexes } = JSON.parse(stdout.toString()) as { valid: boolean; indexes: unknown[] };
      expect({ code, valid, indexes: indexes.length }).toEqual({ code: 0, valid: true, indexes: 1 });
    });
  });
}
