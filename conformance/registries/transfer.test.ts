// Conversions between repositories, registries and layouts, and repeated conversions.

import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { hasTools } from '../tools/tools.ts';
import { goldenBlob, goldenImage, rootOf } from './golden-layout.ts';
import { LOGIN } from './launch/credentials.ts';
import { type LoggedRequest, logFile, readRequests } from './launch/logs.ts';
import { cranePull, skopeoPush } from './oracles.ts';
import { realRegistries } from './real-registry.ts';
import { convert, sociIndexIn } from './soci-index.ts';

const withBoth = test.skipIf(!hasTools('crane', 'skopeo'));
const withSkopeo = test.skipIf(!hasTools('skopeo'));

for (const registry of realRegistries()) {
  describe.skipIf(!registry.isRunning)(registry.name, () => {
    const { host } = registry;
    const image = goldenImage('single-oci');
    const layers = layersOf();

    withBoth('converts into another repository, whole', async () => {
      await skopeoPush(image.folder, registry, 'transfer/from:v1');
      const { root } = await convert(`${host}/transfer/from:v1`, `${host}/transfer/to:v1`);
      expect(await copiedRoot(`${host}/transfer/to:v1`)).toBe(root?.digest);
      if (!registry.mounts) return;
      const requests = requestsIn('/v2/transfer/to/');
      for (const digest of layers) {
        const mounts = requests.filter(({ query }) => query.get('mount') === digest);
        expect(mounts).toMatchObject([{ method: 'POST', status: 201 }]);
      }
      expect(requests.filter(({ query }) => layers.includes(query.get('digest') ?? ''))).toEqual([]);
    });

    for (const other of realRegistries().filter(({ name }) => name !== registry.name)) {
      test.skipIf(!hasTools('crane', 'skopeo') || !other.isRunning)(
        `converts into ${other.name} completely`,
        async () => {
          const attested = goldenImage('attested');
          await skopeoPush(attested.folder, registry, 'transfer/attested:v1');
          const repository = `transfer/${registry.name.replaceAll(/\W+/g, '-').toLowerCase()}`;
          const { root } = await convert(`${host}/transfer/attested:v1`, `${other.host}/${repository}:v1`);
          expect(await copiedRoot(`${other.host}/${repository}:v1`)).toBe(root?.digest);
        },
      );
    }

    withBoth('converts from a layout and into one', async () => {
      const into = temporaryFolder();
      const pushed = await convert(`oci:${image.folder}`, `${host}/transfer/layout:v1`);
      expect(await copiedRoot(`${host}/transfer/layout:v1`)).toBe(pushed.root?.digest);
      await skopeoPush(image.folder, registry, 'transfer/layout:plain');
      const pulled = await convert(`${host}/transfer/layout:plain`, `oci:${into}:v1`);
      expect(pulled.root).toEqual(pushed.root);
    });

    withSkopeo('recognises what it has made before, and sends nothing', async () => {
      await skopeoPush(image.folder, registry, 'transfer/again:plain');
      const first = await convert(`${host}/transfer/again:plain`, `${host}/transfer/again:soci`);
      const before = requestsIn('/v2/transfer/again/').length;
      const second = await convert(`${host}/transfer/again:plain`, `${host}/transfer/again:soci`);
      expect(second.root).toEqual(first.root);
      const requests = requestsIn('/v2/transfer/again/').slice(before);
      // Of the four allowed requests, one may be answered with 401.
      expect(requests.length).toBeGreaterThan(0);
      expect(requests.length).toBeLessThanOrEqual(4);
      expect(requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    });

    if (registry.asksForLogin) {
      withSkopeo('takes a password from standard input, and never shows it', async () => {
        await skopeoPush(image.folder, registry, 'transfer/password:v1');
        const login = ['--username', LOGIN.username, '--password-stdin'];
        const locations = [`${host}/transfer/password:v1`, `${host}/transfer/password:soci`];
        const right = await sociIndexIn(
          { input: LOGIN.password },
          'convert',
          ...login,
          '--min-layer-size=0',
          ...locations,
        );
        expect(right).toMatchObject({ code: 0 });
        const input = 'a wrong one';
        const wrong = await sociIndexIn({ input }, 'convert', '--debug', ...login, ...locations);
        expect(wrong.code).toBe(1);
        expect(wrong.stderr).toContain(host);
        expect(wrong.stderr).not.toContain(input);
        expect(wrong.stderr).not.toContain(Buffer.from(`${LOGIN.username}:${input}`).toString('base64'));
      });
    }

    function requestsIn(path: string): LoggedRequest[] {
      return readRequests(logFile(registry.name)).filter((request) => request.path.startsWith(path));
    }

    function layersOf(): string[] {
      const manifest = JSON.parse(goldenBlob(image, image.root.digest).toString()) as { layers: { digest: string }[] };
      return manifest.layers.map(({ digest }) => digest);
    }
  });
}

/** Copies an image, and everything that it refers to, with crane. Returns its digest. */
async function copiedRoot(reference: string): Promise<string> {
  const layout = temporaryFolder();
  await cranePull(reference, layout);
  return rootOf(layout).digest;
}
