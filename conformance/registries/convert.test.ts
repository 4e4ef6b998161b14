// `soci-index convert` within one registry. Other tools read the results.
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { sha256 } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { hasTools } from '../tools/tools.ts';
import { goldenImage, goldenImages, rootOf } from './golden-layout.ts';
import { madeFile, pushMadeImage, writeZstdImage } from './made-image.ts';
import {
  craneDigest,
  craneManifest,
  cranePull,
  craneValidate,
  orasPull,
  skopeoInspect,
  skopeoPull,
  skopeoPush,
} from './oracles.ts';
import { type RealRegistry, realRegistries } from './real-registry.ts';
import { convert, type IndexOutcome, sociIndex } from './soci-index.ts';

/** Two layouts give no index: see the last tests. skopeo does not push a layer that has a URL. */
const LEFT_OUT = ['gzip-called-tar', 'unknown-fields', 'zstd-only'];
const IMAGES = goldenImages().filter(({ name }) => !LEFT_OUT.includes(name));

const withCrane = test.skipIf(!hasTools('crane', 'skopeo'));
const withOras = test.skipIf(!hasTools('oras', 'skopeo'));
const withSkopeo = test.skipIf(!hasTools('skopeo'));

for (const registry of realRegistries()) {
  describe.skipIf(!registry.isRunning)(registry.name, () => {
    for (const { name, folder } of IMAGES) {
      withSkopeo(`${name}: gives what it gives between layouts`, async () => {
        const expected = await convert(`oci:${folder}`, `oci:${temporaryFolder()}`);
        const { root } = await converted(registry, name);
        expect(root).toEqual(expected.root);
        expect(sha256(await skopeoInspect(registry, `convert/${name}:soci`))).toBe(root?.digest);
      });

      withCrane(`${name}: crane copies it whole`, async () => {
        const { root } = await converted(registry, name);
        const reference = `${registry.host}/convert/${name}:soci`;
        expect(await craneDigest(reference)).toBe(root?.digest);
        const layout = temporaryFolder();
        await cranePull(reference, layout);
        expect(rootOf(layout).digest).toBe(root?.digest);
      });

      withOras(`${name}: oras copies it whole`, async () => {
        const { root } = await converted(registry, name);
        const layout = temporaryFolder();
        await orasPull(registry, `convert/${name}:soci`, layout);
        expect(rootOf(layout).digest).toBe(root?.digest);
      });
    }

    withSkopeo('skopeo copies each manifest unchanged', async () => {
      for (const name of ['attested', 'multi', 'single-docker']) {
        await converted(registry, name);
        for (const { digest } of manifestsIn(await skopeoInspect(registry, `convert/${name}:soci`))) {
          const layout = temporaryFolder();
          await skopeoPull(registry, `convert/${name}@${digest}`, layout);
          expect(rootOf(layout).digest).toBe(digest);
        }
      }
    });

    withCrane('converts an image of a usual size with no option, and crane finds all of it well formed', async () => {
      await pushMadeImage(registry, 'convert/made:v1', temporaryFolder());
      const image = `${registry.host}/convert/made`;
      const { code, stderr } = await sociIndex('convert', `${image}:v1`, `${image}:v1-soci`);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const [manifest, index] = manifestsIn(await craneManifest(`${image}:v1-soci`));
      expect(index?.artifactType).toBe('application/vnd.amazon.soci.index.v2+json');
      await craneValidate(`${image}@${manifest?.digest}`);
      const file = await sociIndex('cat', `${image}:v1-soci`, 'top/17');
      expect(file).toMatchObject({ code: 0, stderr: '' });
      expect(sha256(file.stdout)).toBe(sha256(madeFile('top/17')));
    });

    withCrane('recompresses zstd layers of a usual size, and crane finds them well formed', async () => {
      const folder = join(temporaryFolder(), 'zstd');
      await writeZstdImage(folder);
      const image = `${registry.host}/convert/recompressed`;
      const { layers, root } = await convert(`oci:${folder}`, `${image}:soci`, '--recompress');
      expect(layers).toMatchObject([{ recompressedFrom: {} }, { recompressedFrom: {} }]);
      expect(root).toEqual((await convert(`oci:${folder}`, `oci:${temporaryFolder()}`, '--recompress')).root);
      await craneValidate(`${image}@${manifestsIn(await craneManifest(`${image}:soci`))[0]?.digest}`);
      const file = await sociIndex('cat', `${image}:soci`, 'top/17');
      expect(sha256(file.stdout)).toBe(sha256(madeFile('top/17')));
    });

    withSkopeo('proves what it has written', async () => {
      for (const name of ['multi', 'single-oci']) {
        await converted(registry, name);
        const { code, stdout, stderr } = await sociIndex('verify', '--json', `${registry.host}/convert/${name}:soci`);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(JSON.parse(stdout.toString())).toMatchObject({ valid: true, problems: [] });
      }
    });

    withSkopeo('prints and lists files of the image', async () => {
      await converted(registry, 'single-oci');
      const layout = `oci:${goldenImage('single-oci').folder}`;
      const image = `${registry.host}/convert/single-oci:soci`;
      const file = await sociIndex('cat', image, 'block513');
      expect(file).toMatchObject({ code: 0, stderr: '' });
      expect(file.stdout.length).toBe(513);
      expect(file.stdout).toEqual((await sociIndex('cat', layout, 'block513')).stdout);
      const list = await sociIndex('ls', image, 'usr');
      expect(list).toMatchObject({ code: 0, stderr: '' });
      expect(list.stdout.length).toBeGreaterThan(0);
      expect(list.stdout).toEqual((await sociIndex('ls', layout, 'usr')).stdout);
    });

    withSkopeo('writes nothing for an image without a layer to index', async () => {
      const { folder } = goldenImage('zstd-only');
      await skopeoPush(folder, registry, 'convert/nothing:plain');
      const image = `${registry.host}/convert/nothing`;
      const run = await sociIndex('convert', '--json', `${image}:plain`, `${image}:soci`);
      expect(run.code).toBe(3);
      expect(JSON.parse(run.stdout.toString())).toMatchObject({ outcome: 'nothing-to-index' });
      expect((await sociIndex('inspect', `${image}:soci`)).code).toBe(1);
    });
  });
}

const conversions = new Map<string, Promise<IndexOutcome>>();

/** Pushes a golden image with skopeo and converts it to another tag. Runs once for each registry. */
function converted(registry: RealRegistry, name: string): Promise<IndexOutcome> {
  const image = `${registry.host}/convert/${name}`;
  const known = conversions.get(image);
  if (known !== undefined) return known;
  const conversion = (async () => {
    await skopeoPush(goldenImage(name).folder, registry, `convert/${name}:plain`);
    return convert(`${image}:plain`, `${image}:soci`);
  })();
  conversions.set(image, conversion);
  return conversion;
}

function manifestsIn(index: Buffer): Descriptor[] {
  return (JSON.parse(index.toString()) as { manifests: Descriptor[] }).manifests;
}
