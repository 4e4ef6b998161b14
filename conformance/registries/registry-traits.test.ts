// Checks without our client that the registries have the expected traits. The other tests depend on them.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { hasTools } from '../tools/tools.ts';
import { goldenImage, rootOf } from './golden-layout.ts';
import { LOGIN } from './launch/credentials.ts';
import { skopeoPull, skopeoPush } from './oracles.ts';
import { type RealRegistry, realRegistries, trustedCertificate } from './real-registry.ts';

const LOGGED_IN = `Basic ${Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')}`;

const withSkopeo = test.skipIf(!hasTools('skopeo'));

for (const registry of realRegistries()) {
  describe.skipIf(!registry.isRunning)(registry.name, () => {
    const image = goldenImage('multi');

    test(registry.asksForLogin ? 'asks for a login' : 'allows anonymous access', async () => {
      expect((await ask(registry, '/v2/', '')).status).toBe(registry.asksForLogin ? 401 : 200);
      expect((await ask(registry, '/v2/')).status).toBe(200);
    });

    withSkopeo('returns an image unchanged', async () => {
      await skopeoPush(image.folder, registry, 'standing:multi');
      const layout = temporaryFolder();
      await skopeoPull(registry, 'standing:multi', layout);
      expect(rootOf(layout).digest).toBe(image.root.digest);
    });

    withSkopeo(registry.hasReferrers ? 'has the referrers API' : 'has no referrers API', async () => {
      await skopeoPush(image.folder, registry, 'standing:referrers');
      const { status } = await ask(registry, `/v2/standing/referrers/${image.root.digest}`);
      expect(status).toBe(registry.hasReferrers ? 200 : 404);
    });

    if (registry.redirectsBlobs) {
      withSkopeo('sends readers of blobs to a server that refuses credentials', async () => {
        const single = goldenImage('single-oci');
        await skopeoPush(single.folder, registry, 'standing:single');
        const manifest = await ask(registry, '/v2/standing/manifests/single');
        const { config } = JSON.parse(manifest.body) as { config: { digest: string } };
        const { status, location } = await ask(registry, `/v2/standing/blobs/${config.digest}`);
        expect(status).toBe(307);
        expect((await askUrl(new URL(location ?? ''), '')).status).toBe(200);
        expect((await askUrl(new URL(location ?? ''), LOGGED_IN)).status).toBe(400);
      });
    }
  });
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

function ask({ origin }: RealRegistry, path: string, authorization = LOGGED_IN): Promise<Answer> {
  return askUrl(new URL(path, origin), authorization);
}

function askUrl(url: URL, authorization: string): Promise<Answer> {
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json', ...(authorization && { authorization }) };
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    send(url, { headers, ca: trustedCertificate() }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}
