import { request } from 'node:http';
import { connect } from 'node:net';
import { digestOf, MEDIA_TYPE_OCI_LAYER } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { put, putLayeredImage } from '@soci/test-content';
import { afterEach, describe, expect, it } from 'vitest';
import { type ContentRequest, type ImageServer, parseRange, serveImage } from './image-server.ts';
import { LOOPBACK, parseListenAddress } from './listen-address.ts';

const TAR = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => i % 251));
const DIGEST = digestOf(TAR);
const requests: ContentRequest[] = [];
let server: ImageServer | undefined;

afterEach(async () => {
  await server?.close();
  requests.length = 0;
});

/** Starts a server with an image of one layer, and content that does not belong to the image. */
async function serve(address = LOOPBACK) {
  const store = new MemoryStore();
  const root = await putLayeredImage(store, [{ tar: TAR, bytes: TAR, mediaType: MEDIA_TYPE_OCI_LAYER }]);
  const foreign = await put(store, 'text/plain', Buffer.from('not of the image'));
  const started = await serveImage({ store, root, repository: 'recording', tag: 'v1' }, address, (one) =>
    requests.push(one),
  );
  server = started;
  return { root, foreign, url: `http://${started.host}/v2/recording`, host: started.host };
}

/** Sends a request with a path that is not normalized, and any method and headers. */
async function send(
  host: string,
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: Buffer; headers: NodeJS.Dict<string | string[]> }> {
  const [, hostname = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(host) ?? [];
  return new Promise((resolve, reject) => {
    const sent = request({ host: hostname, port, path, ...options }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), headers: response.headers });
    });
    sent.on('error', reject).end();
  });
}

describe('the server', () => {
  it('answers as the distribution specification says', async () => {
    const { url, host, root } = await serve();
    expect((await fetch(`http://${host}/v2/`)).status).toBe(200);
    for (const reference of ['v1', root.digest, encodeURIComponent(root.digest)]) {
      const manifest = await fetch(`${url}/manifests/${reference}`);
      expect(manifest.headers.get('content-type')).toBe(root.mediaType);
      expect(manifest.headers.get('docker-content-digest')).toBe(root.digest);
      expect(digestOf(new Uint8Array(await manifest.arrayBuffer()))).toBe(root.digest);
    }
    expect(await (await fetch(`${url}/referrers/${root.digest}`)).json()).toMatchObject({ manifests: [] });
    const blob = await fetch(`${url}/blobs/${DIGEST}`);
    expect(digestOf(new Uint8Array(await blob.arrayBuffer()))).toBe(DIGEST);
    const head = await fetch(`${url}/blobs/${DIGEST}`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(TAR.length));
  });

  it.each([
    ['bytes=0-0', 206, 0, 1],
    ['bytes=1000-2000999', 206, 1000, 2_001_000],
    ['bytes=2999990-', 206, 2_999_990, 3_000_000],
    ['bytes=2999990-9999999', 206, 2_999_990, 3_000_000],
    ['bytes=-10', 206, 2_999_990, 3_000_000],
    ['bytes=-9999999', 206, 0, 3_000_000],
    ['bytes=3000000-', 416, 0, 0],
    ['bytes=-0', 416, 0, 0],
    ['bytes=0-1,5-6', 200, 0, 3_000_000],
    ['bytes=9-1', 200, 0, 3_000_000],
    ['bytes=a-b', 200, 0, 3_000_000],
    ['bytes=-', 200, 0, 3_000_000],
    ['items=0-1', 200, 0, 3_000_000],
  ])('answers the range %s with %i', async (range, status, start, end) => {
    const { url } = await serve();
    const response = await fetch(`${url}/blobs/${DIGEST}`, { headers: { range } });
    expect(response.status).toBe(status);
    if (status === 416) {
      expect(response.headers.get('content-range')).toBe('bytes */3000000');
      expect(requests).toEqual([]);
      return;
    }
    expect(Buffer.from(await response.arrayBuffer()).equals(TAR.subarray(start, end))).toBe(true);
    if (status === 206) expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/3000000`);
    const [recorded] = requests;
    expect(recorded?.content.digest).toBe(DIGEST);
    expect(recorded?.range).toEqual(status === 206 ? { offset: start, length: end - start } : undefined);
  });

  it('serves nothing but the image', async () => {
    const { host, foreign } = await serve();
    for (const path of [
      '/',
      '/v2/other/manifests/v1',
      '/v2/recording/manifests/v2',
      '/v2/recording/manifests/',
      `/v2/recording/manifests/${DIGEST}`,
      `/v2/recording/blobs/${foreign.digest}`,
      '/v2/recording/blobs/sha256:../../../etc/passwd',
      '/v2/recording/blobs/..%2f..%2f..%2fetc%2fpasswd',
      '/v2/recording/../../../etc/passwd',
      '/v2/recording/blobs/%',
      `/v2/recording/blobs/${DIGEST}/extra`,
      '/v2/recording/blobs/uploads/',
      'http://elsewhere/v2/recording/manifests/v1',
    ]) {
      expect((await send(host, path)).status, path).toBe(404);
    }
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('rejects %s', async (method) => {
    const { host } = await serve();
    expect((await send(host, `/v2/recording/blobs/${DIGEST}`, { method })).status).toBe(405);
  });

  it('rejects names that web pages could lead to this machine', async () => {
    const { host } = await serve();
    const answer = async (name: string) => (await send(host, '/v2/', { headers: { host: name } })).status;
    expect(await answer('attacker.example:80')).toBe(403);
    for (const name of ['localhost:1', '127.0.0.1', '[::1]:5', 'LOCALHOST']) expect(await answer(name)).toBe(200);
  });

  it('rejects large headers', async () => {
    const { host } = await serve();
    expect((await send(host, '/v2/', { headers: { 'x-large': 'x'.repeat(20_000) } })).status).toBe(431);
  });

  it('goes on if a client closes its connection', async () => {
    const { host, url } = await serve();
    const [address = '', port = ''] = host.split(':');
    const socket = connect(Number(port), address);
    socket.write(`GET /v2/recording/blobs/${DIGEST} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    expect((await fetch(`${url}/manifests/v1`)).status).toBe(200);
  });

  it('listens on IPv6', async () => {
    const { host, url } = await serve(parseListenAddress('[::1]:0'));
    expect(host).toMatch(/^\[::1\]:\d+$/);
    expect((await fetch(`${url}/manifests/v1`)).status).toBe(200);
  });
});

it.each([
  ['', undefined],
  ['5005', undefined],
  ['127.0.0.1', { host: '127.0.0.1', port: 0 }],
  ['127.0.0.1:5005', { host: '127.0.0.1', port: 5005 }],
  [':5005', { host: '127.0.0.1', port: 5005 }],
  ['::1', { host: '::1', port: 0 }],
  ['[::1]:5005', { host: '::1', port: 5005 }],
  ['::1:5005', { host: '::1:5005', port: 0 }],
  ['example.org:80', undefined],
])('the address %j', (text, expected) => {
  if (expected === undefined) expect(() => parseListenAddress(text)).toThrow(/is not an address/);
  else expect(parseListenAddress(text)).toEqual(expected);
});

it('an empty blob has no satisfiable range', () => {
  expect(parseRange('bytes=0-0', 0)).toBe('unsatisfiable');
  expect(parseRange('bytes=-5', 0)).toBe('unsatisfiable');
  expect(parseRange(undefined, 0)).toBeUndefined();
});
