import { setTimeout as sleep } from 'node:timers/promises';
import { everythingIn } from '@soci/test-content';
import { describe, expect, onTestFinished, test } from 'vitest';
import { catchError } from '../fixtures/catch-error.ts';
import { startTestProxy } from './fixtures/test-proxy.ts';
import { readText, serve, serveRaw, serveTls, TEST_IDENTITY } from './fixtures/test-server.ts';
import { PooledHttpSender } from './http-sender.ts';

function openSender(proxy: string, stallTimeout = 30_000) {
  const sender = new PooledHttpSender({
    env: { ALL_PROXY: proxy },
    ca: TEST_IDENTITY.cert,
    stallTimeout,
  });
  onTestFinished(() => sender.close());
  return (url: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    sender.send({ method: 'GET', url: new URL(url), headers, ...(signal !== undefined && { signal }) });
}

const withUser = (url: string) => url.replace('//', '//user:p%40ss@');
const BASIC = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;

describe('HTTPS through a proxy', () => {
  test('uses a tunnel: the proxy receives only the host and its own credentials', async () => {
    const server = await serveTls(({ url, headers }, response) =>
      response.end(`${url} ${headers['proxy-authorization']}`),
    );
    const proxy = await startTestProxy();
    const get = openSender(withUser(proxy.url));
    const url = `https://registry.test:${server.port}/v2/?secret`;
    for (let i = 0; i < 3; i++)
      expect(await readText(await get(url, { authorization: 'Basic cmVn' }))).toBe('/v2/?secret undefined');
    expect(proxy.requests.map(({ line }) => line)).toEqual([`CONNECT registry.test:${server.port}`]);
    expect(proxy.requests[0]?.headers).toMatchObject({ 'proxy-authorization': BASIC });
    expect(proxy.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  test('verifies the certificate of the server', async () => {
    const server = await serveTls((_request, response) => response.end('ok'));
    const proxy = await startTestProxy();
    const error = await catchError(openSender(proxy.url)(`https://other.test:${server.port}/`));
    expect(error).toMatchObject({ code: 'TLS_FAILED', message: expect.stringContaining('ALTNAME') });
  });

  test.each([401, 407, 503])('reports status %i as a failure of the proxy, and sends it nothing', async (status) => {
    const proxy = await startTestProxy(status);
    const error = await catchError(
      openSender(withUser(proxy.url))('https://registry.test/v2/', { authorization: 'Basic cmVn' }),
    );
    expect(error.code).toBe('CONNECTION_FAILED');
    expect(error.status).toBeUndefined();
    expect(error.message).toContain(
      `CONNECT registry.test:443 through the proxy ${proxy.url} failed with status ${status}`,
    );
    expect(everythingIn(error)).not.toMatch(/p@ss|p%40ss|cmVn/);
    expect(JSON.stringify(proxy.requests)).not.toContain('cmVn');
  });

  test('reports a proxy that cannot be reached', async () => {
    const error = await catchError(openSender('http://user:pass@127.0.0.1:1')('https://registry.test/v2/'));
    expect(error).toMatchObject({
      code: 'CONNECTION_FAILED',
      message:
        'CONNECT registry.test:443 through the proxy http://127.0.0.1:1: the connection failed (ECONNREFUSED): check the host, the port, the network and the proxy settings',
    });
    expect(everythingIn(error)).not.toContain('pass');
  });

  test.each([
    ['sends nothing', () => '', /STALLED/],
    ['never ends its headers', (i: number) => `X-${i}: ${'y'.repeat(1000)}\r\n`, /STALLED|LIMIT_EXCEEDED/],
  ])('fails if the proxy %s', async (_name, line, code) => {
    const proxy = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      let count = 0;
      const timer = setInterval(() => socket.write(line(count++)), 1);
      socket.on('close', () => clearInterval(timer));
    });
    expect((await catchError(openSender(`http://${proxy.host}`, 1000)('https://registry.test/v2/'))).code).toMatch(
      code,
    );
  });

  test('verifies the certificate of an HTTPS proxy', async () => {
    const server = await serveTls((_request, response) => response.end('ok'));
    const proxy = await startTestProxy(200, TEST_IDENTITY);
    const get = openSender(proxy.url);
    expect(await readText(await get(`https://registry.test:${server.port}/`))).toBe('ok');
    expect(await catchError(get(`https://other.test:${server.port}/`))).toMatchObject({
      code: 'TLS_FAILED',
      request: `GET https://other.test:${server.port}/`,
    });
    const plain = await serve((_request, response) => response.end('plain'));
    expect(await readText(await get(`http://other.test:${plain.port}/`))).toBe('plain');
  });

  test('still works after a request was aborted while connecting', async () => {
    const server = await serveTls((_request, response) => response.end('ok'));
    const proxy = await startTestProxy();
    const get = openSender(proxy.url);
    const url = `https://registry.test:${server.port}/`;
    for (const delay of [0, 1, 2, 4, 8]) {
      const aborting = get(url, {}, AbortSignal.timeout(delay)).then(readText);
      await aborting.catch(() => undefined);
      await sleep(20);
      expect(await readText(await get(url))).toBe('ok');
    }
  });
});

test('plain HTTP through a proxy sends the absolute URL and the host of the server', async () => {
  const server = await serve(({ url, headers }, response) => response.end(`${url} ${headers.host}`));
  const proxy = await startTestProxy();
  const url = `http://registry.test:${server.port}/v2/?a=b`;
  expect(await readText(await openSender(withUser(proxy.url))(url))).toBe(`/v2/?a=b registry.test:${server.port}`);
  expect(proxy.requests).toMatchObject([{ line: `GET ${url}`, headers: { 'proxy-authorization': BASIC } }]);
});

test('loopback hosts are not proxied', async () => {
  const server = await serve((_request, response) => response.end('ok'));
  const proxy = await startTestProxy();
  expect(await readText(await openSender(proxy.url)(server.at('/').href))).toBe('ok');
  expect(proxy.requests).toEqual([]);
});
