import type { IncomingMessage, ServerResponse } from 'node:http';
import { OciError } from '@soci/oci';
import { everythingIn } from '@soci/test-content';
import { startTestRegistry } from '@soci/test-registry';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Authorizer } from '../auth/authorizer.ts';
import { catchError } from '../fixtures/catch-error.ts';
import { resolveTo } from '../transport/fixtures/resolve-to.ts';
import { readText, serve, serveRaw, serveTls, TEST_IDENTITY } from '../transport/fixtures/test-server.ts';
import type { StreamedBody } from '../transport/http-message.ts';
import { PooledHttpSender } from '../transport/http-sender.ts';
import { openHttp } from './fixtures/open-http.ts';
import { RegistryHttp } from './registry-http.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Returns a handler that uses the given handlers in order, the last one repeatedly. */
function inOrder(...handlers: Handler[]): Handler {
  let count = 0;
  return (request, response) => handlers[Math.min(count++, handlers.length - 1)]?.(request, response);
}

const respond =
  (status: number, body = '', headers: Record<string, string> = {}): Handler =>
  (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  };

const echoAuthorization: Handler = ({ headers }, response) => void response.end(String(headers.authorization));

function streamed(isRepeatable: boolean, ...chunks: string[]): StreamedBody & { readonly opened: () => number } {
  let opened = 0;
  return {
    size: chunks.join('').length,
    isRepeatable,
    opened: () => opened,
    async *open() {
      opened += 1;
      for (const chunk of chunks) yield Buffer.from(chunk);
    },
  };
}

describe('the scheme', () => {
  test('is https, or plain http on loopback if the TLS handshake fails', async () => {
    const plain = openHttp((await serve(respond(200, 'plain'))).host);
    expect(await plain.request('GET', '/v2/')).toBe('200 plain');
    expect(plain.http.origin).toMatch(/^http:/);
    const secure = openHttp((await serveTls(respond(200, 'secure'))).host, { ca: TEST_IDENTITY.cert });
    expect(await secure.request('GET', '/v2/')).toBe('200 secure');
    expect(secure.http.origin).toMatch(/^https:/);
    expect(openHttp('registry.test').http.origin).toBe('https://registry.test');
    expect(openHttp('registry.test:5000', { plainHttp: true }).http.origin).toBe('http://registry.test:5000');
  });

  test('is detected once for concurrent requests', async () => {
    const server = await serve(respond(200));
    const { request } = openHttp(server.host, { maxConnections: 2 });
    await Promise.all([request('GET', '/'), request('GET', '/'), request('GET', '/')]);
    expect(server.connections).toBe(3);
  });

  test('does not fall back to plain http if the certificate is not trusted', async () => {
    const { request } = openHttp((await serveTls(respond(200))).host);
    expect(await catchError(request('GET', '/v2/'))).toMatchObject({ code: 'TLS_FAILED' });
  });

  test.each(['', 'host/path', 'user@host', 'host?x', 'https://host', 'ho st'])('rejects the host %j', (host) => {
    expect(() => openHttp(host)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });
});

describe('credentials', () => {
  test('are sent to the registry, but not to another host that it redirects to', async () => {
    const storage = await serve(({ headers, url }, response) =>
      response.end(`${headers.authorization} ${headers.range} ${url}`),
    );
    const registry = await serve((request, response) => {
      if (request.url === '/v2/') return echoAuthorization(request, response);
      return respond(307, '', { location: storage.at('/blob?X-Sig=1').href })(request, response);
    });
    const { request, http } = openHttp(registry.host);
    expect(await request('GET', '/v2/')).toBe('200 Basic YTpzZWNyZXQ=');
    const response = await http.open({
      method: 'GET',
      target: '/v2/app/blobs/x',
      headers: { range: 'bytes=1-2' },
      scope: [],
    });
    expect(await readText(response)).toBe('undefined bytes=1-2 /blob?X-Sig=1');
    expect(response.url.href).toBe(storage.at('/blob?X-Sig=1').href);
  });

  test('are not sent to a URL on another host, nor after a redirect back to the registry', async () => {
    const registry = await serve(echoAuthorization);
    const storage = await serve(inOrder(echoAuthorization, respond(307, '', { location: registry.at('/v2/').href })));
    const { request } = openHttp(registry.host);
    expect(await request('PUT', storage.at('/upload'), { body: Buffer.from('zTOC') })).toBe('200 undefined');
    expect(await request('GET', storage.at('/back'))).toBe('200 undefined');
    expect(await request('GET', registry.at('/v2/'))).toBe('200 Basic YTpzZWNyZXQ=');
  });

  test('are replaced when they are rejected, with the challenge of the response', async () => {
    const newToken = 'Bearer new';
    const registry = await serve((request, response) =>
      request.headers.authorization === newToken
        ? respond(201)(request, response)
        : respond(401, '', { 'www-authenticate': 'Bearer realm="https://auth.test/"' })(request, response),
    );
    const { request, challenges, events, waits } = openHttp(registry.host, {
      authorizations: ['Bearer old', newToken],
    });
    const body = streamed(true, 'a', 'b');
    expect(await request('PUT', '/v2/app/manifests/x', { body })).toBe('201 ');
    expect(challenges).toEqual(['Bearer realm="https://auth.test/"']);
    expect(body.opened()).toBe(2);
    // This does not count as a retry.
    expect([waits, events.map(({ attempt, status }) => [attempt, status])]).toEqual([
      [],
      [
        [1, 401],
        [1, 201],
      ],
    ]);
  });

  test('are renewed at most twice per attempt', async () => {
    let requests = 0;
    const registry = await serve((request, response) => {
      requests += 1;
      respond(401, JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'who?' }] }))(request, response);
    });
    const authorizations = Array.from({ length: 100 }, (_, i) => `Bearer ${i}`);
    const error = await catchError(openHttp(registry.host, { authorizations }).request('GET', '/v2/'));
    expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', status: 401 });
    expect(error.message).toBe(
      `GET http://${registry.host}/v2/ failed with status 401: UNAUTHORIZED: who?: try other credentials`,
    );
    expect(requests).toBe(3);
  });

  test('can be requested from the same host while all connections wait for them', async () => {
    const server = await serve(({ url, headers }, response) => {
      const isKnown = url === '/token' || headers.authorization === 'Bearer new';
      response.writeHead(isKnown ? 200 : 401).end();
    });
    const sender = new PooledHttpSender({ env: {}, maxConnections: 2 });
    onTestFinished(() => sender.close());
    let authorization = 'Bearer old';
    const authorizer: Authorizer = {
      authorize: async () => authorization,
      reauthorize: async () => {
        const response = await sender.send({ method: 'GET', url: server.at('/token'), headers: {} });
        response.discard();
        authorization = 'Bearer new';
        return true;
      },
      describeRejection: () => '',
    };
    const http = new RegistryHttp({ host: server.host, options: { plainHttp: true }, authorizer, sender });
    const responses = Array.from({ length: 4 }, () => http.exchange({ method: 'GET', target: '/', scope: [] }, 100));
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test('are renewed if ECR reports an expired token with 403', async () => {
    const errorBody = {
      errors: [{ code: 'DENIED', message: 'Your authorization token has expired. Reauthenticate and try again.' }],
    };
    const registry = await serve(inOrder(respond(403, JSON.stringify(errorBody)), respond(200)));
    expect(await openHttp(registry.host, { authorizations: ['Basic old', 'Basic new'] }).request('GET', '/v2/')).toBe(
      '200 ',
    );
  });

  test('are not renewed if they lack permissions, and the message of the registry is kept', async () => {
    const errorBody = { errors: [{ code: 'DENIED', message: 'not authorized to perform ecr:PutImage' }] };
    const registry = await serve(respond(403, JSON.stringify(errorBody)));
    const { request, http, challenges } = openHttp(registry.host, { authorizations: ['Basic old', 'Basic new'] });
    expect(await catchError(request('PUT', '/v2/app/manifests/x'))).toMatchObject({
      code: 'ACCESS_DENIED',
      refusals: errorBody.errors,
    });
    const expected = await http.open({ method: 'GET', target: '/v2/', scope: [], expected: [403] });
    expect(JSON.parse(await readText(expected))).toEqual(errorBody);
    expect(challenges).toEqual([]);
  });

  test('are not requested for a 401 of the storage', async () => {
    const storage = await serve(respond(401, '', { 'www-authenticate': 'Basic realm="evil"' }));
    const registry = await serve(respond(307, '', { location: storage.at('/').href }));
    const { request, challenges } = openHttp(registry.host);
    expect(await catchError(request('GET', '/v2/app/blobs/x'))).toMatchObject({ code: 'AUTHENTICATION_FAILED' });
    expect(challenges).toEqual([]);
  });
});

describe('redirects', () => {
  test.each([
    ['to a metadata service are rejected', 'http://169.254.169.254/latest/meta-data/iam', 'REDIRECT_REFUSED'],
    ['in a loop are rejected', '/v2/app/blobs/x', 'REDIRECT_REFUSED'],
    ['to an invalid URL are rejected', 'http://', 'RESPONSE_INVALID'],
  ])('%s', async (_name, location, code) => {
    const registry = await serve(respond(307, '', { location }));
    const { request, events, waits } = openHttp(registry.host);
    expect(await catchError(request('GET', '/v2/app/blobs/x'))).toMatchObject({ code });
    expect([events.length, waits]).toEqual([1, []]);
  });

  test('beyond the limit are rejected', async () => {
    let count = 0;
    const registry = await serve((request, response) =>
      respond(307, '', { location: `/${count++}` })(request, response),
    );
    expect(await catchError(openHttp(registry.host).request('GET', '/v2/'))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(count).toBe(6);
  });

  test('from https to plain http are rejected', async () => {
    const storage = await serve(respond(200, 'blob'));
    const registry = await serveTls(respond(307, '', { location: storage.at('/?sig=secret').href }));
    const error = await catchError(
      openHttp(registry.host, { ca: TEST_IDENTITY.cert }).request('GET', '/v2/app/blobs/x'),
    );
    expect(error.code).toBe('REDIRECT_REFUSED');
    expect(everythingIn(error)).not.toContain('secret');
    expect(storage.connections).toBe(0);
  });

  test('to a name that resolves to loopback are rejected, also on the second lookup', async () => {
    const storage = await serveTls(respond(200, 'private'));
    const registry = await serveTls(respond(307, '', { location: `https://storage.test:${storage.port}/` }));
    const lookup = resolveTo('127.0.0.1', '127.0.0.1');
    const { request } = openHttp(`registry.test:${registry.port}`, { ca: TEST_IDENTITY.cert, lookup });
    const error = await catchError(request('GET', '/v2/app/blobs/x'));
    expect(error).toMatchObject({ code: 'REDIRECT_REFUSED', message: expect.stringContaining('storage.test') });
    expect(storage.connections).toBe(0);
  });

  test('of an upload are followed if they preserve the method and the body can be sent again', async () => {
    const registry = await serve((request, response) => {
      if (request.url === '/new/')
        return respond(202, String(request.method), { location: 'uploads/1' })(request, response);
      return respond(request.url === '/moved/' ? 302 : 307, '', { location: '/new/' })(request, response);
    });
    const { http, request } = openHttp(registry.host);
    const { url, headers, status } = await http.exchange({ method: 'POST', target: '/old/', scope: [] }, 100);
    expect([status, new URL(headers.location ?? '', url).pathname]).toEqual([202, '/new/uploads/1']);
    expect(await catchError(request('POST', '/moved/'))).toMatchObject({ code: 'REDIRECT_REFUSED', status: 302 });
    expect(await catchError(request('PUT', '/old/', { body: streamed(false, 'once') }))).toMatchObject({
      code: 'REDIRECT_REFUSED',
      status: 307,
    });
  });

  test('are returned if they are expected', async () => {
    const registry = await serve(respond(307, '', { location: 'https://storage.test/' }));
    expect(await openHttp(registry.host).request('GET', '/v2/', { expected: [307] })).toBe('307 ');
  });
});

describe('retry', () => {
  test('transient failures with the delays of Retry-After', async () => {
    const registry = await serve(
      inOrder(
        respond(503),
        respond(429, '', { 'retry-after': '3' }),
        (request) => request.socket.resetAndDestroy(),
        respond(200, 'at last'),
      ),
    );
    const { request, events, waits } = openHttp(registry.host, { retry: { baseDelay: 100 } });
    expect(await request('GET', '/v2/')).toBe('200 at last');
    expect(waits).toEqual([50, 3100, 200]);
    expect(events.map(({ attempt, status, error }) => [attempt, status ?? error?.name])).toEqual([
      [1, 503],
      [2, 429],
      [3, 'RegistryError'],
      [4, 200],
    ]);
  });

  test.each([
    [500, 'SERVER_FAILED'],
    [429, 'RATE_LIMITED'],
  ])('stops after maxAttempts for status %i', async (status, code) => {
    const registry = await serve(respond(status, JSON.stringify({ errors: [{ code: 'X', message: 'why' }] })));
    const { request, events } = openHttp(registry.host, { retry: { maxAttempts: 3 } });
    const error = await catchError(request('GET', '/v2/'));
    expect(error).toMatchObject({ code, status, refusals: [{ code: 'X', message: 'why' }] });
    expect(error.message).toBe(
      `GET http://${registry.host}/v2/ failed with status ${status}: X: why (after 3 attempts)`,
    );
    expect(events).toHaveLength(3);
  });

  test.each([400, 403, 404, 405, 501])('does not happen for status %i', async (status) => {
    const registry = await serve(respond(status));
    const { request, events } = openHttp(registry.host);
    await expect(request('GET', '/v2/')).rejects.toThrow(`failed with status ${status}`);
    expect(events).toHaveLength(1);
  });

  test('happens for a stall', async () => {
    const registry = await serve(inOrder(() => undefined, respond(200, 'awake')));
    const { request, events } = openHttp(registry.host, { stallTimeout: 1000 });
    expect(await request('GET', '/v2/')).toBe('200 awake');
    expect(events[0]?.error).toMatchObject({ code: 'STALLED' });
  });

  test('happens if a body breaks off in exchange, but not in open', async () => {
    const breakOff: Handler = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half', () => response.socket?.destroy());
    };
    const registry = await serve(inOrder(breakOff, respond(200, 'whole'), breakOff));
    const { request, http } = openHttp(registry.host);
    expect(await request('GET', '/v2/')).toBe('200 whole');
    const response = await http.open({ method: 'GET', target: '/v2/', scope: [] });
    expect(await catchError(readText(response))).toMatchObject({ code: 'CONNECTION_FAILED' });
  });

  test('resends bytes and repeatable streams', async () => {
    const echoBody =
      (status: number): Handler =>
      async (request, response) => {
        response.writeHead(status).end(await readText({ body: request }));
      };
    const registry = await serve(inOrder(echoBody(503), echoBody(201), echoBody(503), echoBody(201)));
    const { request } = openHttp(registry.host);
    expect(await request('PUT', '/v2/', { body: Buffer.from('bytes') })).toBe('201 bytes');
    expect(await request('PUT', '/v2/', { body: streamed(true, 'str', 'eam') })).toBe('201 stream');
  });

  test('does not resend a single-use stream that was read', async () => {
    const registry = await serve(respond(503));
    const { request, events } = openHttp(registry.host);
    const body = streamed(false, 'once');
    expect(await catchError(request('PUT', '/v2/', { body }))).toMatchObject({ code: 'SERVER_FAILED' });
    expect([events.length, body.opened()]).toEqual([1, 1]);
  });

  test('sends a single-use stream if nothing was read from it', async () => {
    const { request, events } = openHttp('127.0.0.1:1', { plainHttp: true, retry: { maxAttempts: 3 } });
    const body = streamed(false, 'once');
    expect(await catchError(request('PUT', '/v2/', { body }))).toMatchObject({ code: 'CONNECTION_FAILED' });
    expect([events.length, body.opened()]).toEqual([3, 0]);
  });

  test('does not happen if the source of a body fails', async () => {
    const registry = await serve(respond(201));
    const failure = await catchError(
      openHttp('127.0.0.1:1', { plainHttp: true, retry: { maxAttempts: 1 } }).request('GET', '/'),
    );
    const body: StreamedBody = {
      size: 10,
      isRepeatable: true,
      // biome-ignore lint/correctness/useYield: it fails before there is anything to yield.
      async *open() {
        throw failure;
      },
    };
    const { request, events } = openHttp(registry.host);
    expect(await catchError(request('PUT', '/v2/', { body }))).toBe(failure);
    expect(events).toHaveLength(1);
  });

  test('stops when the signal is aborted', async () => {
    const controller = new AbortController();
    const registry = await serve((request, response) => {
      controller.abort(new Error('aborted'));
      respond(503)(request, response);
    });
    await expect(openHttp(registry.host).request('GET', '/v2/', { signal: controller.signal })).rejects.toThrow(
      'aborted',
    );
  });
});

test('a signal aborts the TLS handshake that detects the scheme', async () => {
  const controller = new AbortController();
  const silent = await serveRaw(() => controller.abort(new Error('aborted')));
  await expect(openHttp(silent.host).request('GET', '/v2/', { signal: controller.signal })).rejects.toThrow('aborted');
});

describe('responses', () => {
  test('with 404 throw an OciError, or are returned if expected', async () => {
    const registry = await serve(
      respond(404, JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN', message: 'no such repository' }] })),
    );
    const { request } = openHttp(registry.host);
    const error = await request('GET', '/v2/app/manifests/x').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OciError);
    expect(error).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('NAME_UNKNOWN: no such repository'),
    });
    expect(await request('GET', '/v2/app/manifests/x', { expected: [404] })).toMatch(/^404 /);
  });

  test.each([{ 'content-length': String(4 * 2 ** 20 + 1) }, {}])(
    'above the size limit are rejected (%j)',
    async (headers) => {
      const registry = await serve(respond(200, ' '.repeat(4 * 2 ** 20 + 1), headers));
      const { request, events } = openHttp(registry.host);
      const error = await catchError(request('GET', '/v2/app/manifests/x'));
      expect(error).toMatchObject({
        code: 'LIMIT_EXCEEDED',
        message: expect.stringContaining('more than 4194304 bytes'),
      });
      expect(events).toHaveLength(1);
    },
  );

  test('whose error body never ends are reported without a message', async () => {
    const registry = await serve((_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.writeHead(400).on('drain', write);
      write();
    });
    const error = await catchError(openHttp(registry.host).request('GET', '/v2/app/tags/list'));
    expect(error).toMatchObject({
      code: 'UNSUPPORTED',
      status: 400,
      message: expect.stringContaining('no error message'),
    });
  });

  test('with HTML are rejected', async () => {
    const registry = await serve(respond(404, '<html><body>Not here', { 'content-type': 'text/html' }));
    expect(await catchError(openHttp(registry.host).request('GET', '/v2/app/manifests/x'))).toMatchObject({
      code: 'RESPONSE_INVALID',
    });
  });

  test('with too large headers are rejected', async () => {
    const registry = await serveRaw((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nLocation: ${'x'.repeat(100_000)}\r\n\r\n`),
    );
    const { request, events } = openHttp(registry.host, { plainHttp: true });
    expect(await catchError(request('GET', '/v2/'))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(events).toHaveLength(1);
  });

  test.each([401, 403, 404, 405, 429, 500])('with %i that echo the request reveal no secrets', async (status) => {
    const registry = await serve(({ headers, url }, response) => {
      const message = `${headers.authorization} http://${headers.host}${url} secret`;
      respond(status, JSON.stringify({ errors: [{ code: String(headers.authorization), message }] }))(
        { resume() {} } as never,
        response,
      );
    });
    const { request, events } = openHttp(registry.host, { retry: { maxAttempts: 2 } });
    const error: unknown = await request('PUT', '/v2/app/manifests/x?token=t0ken').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringContaining(`PUT http://${registry.host}/v2/app/manifests/x failed with`),
    });
    expect(everythingIn(error) + JSON.stringify(events)).not.toMatch(/YTpzZWNyZXQ|secret|t0ken/);
  });
});

describe('with Amazon ECR', () => {
  async function openRegistry() {
    const registry = await startTestRegistry({ auth: 'ecr', redirects: true, tls: true });
    onTestFinished(() => registry.stop());
    const digest = await registry.putBlob('app', Buffer.from('a layer'));
    const authorizations: string[] = [];
    const addToken = () => {
      const { username, password } = registry.credentials;
      authorizations.push(`Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
    };
    addToken();
    const opened = openHttp(registry.host, { ca: registry.ca ?? '', authorizations, stallTimeout: 3000 });
    return { registry, path: `/v2/app/blobs/${digest}`, addToken, ...opened };
  }

  test('a blob is read from the storage without credentials', async () => {
    const { request, path, registry } = await openRegistry();
    expect(await request('GET', path)).toBe('200 a layer');
    expect(registry.requests.map(({ port, status, authorization }) => [port, status, authorization])).toEqual([
      ['registry', 307, true],
      ['storage', 200, false],
    ]);
  });

  test('an expired token is renewed', async () => {
    const { request, path, registry, addToken, waits } = await openRegistry();
    registry.expireTokens();
    addToken();
    expect(await request('GET', path)).toBe('200 a layer');
    expect(waits).toEqual([]);
  });

  test.each([
    { kind: 'status', status: 503 },
    { kind: 'reset' },
    { kind: 'reset', afterBytes: 3 },
    { kind: 'stall' },
    { kind: 'stall', afterBytes: 3 },
    { kind: 'truncate', afterBytes: 3 },
  ] as const)('%j of the storage is retried at the registry', async (fault) => {
    const { registry, path, request, waits } = await openRegistry();
    registry.inject({ on: { port: 'storage' }, fault });
    expect(await request('GET', path)).toBe('200 a layer');
    expect(waits).toEqual([125]);
    expect(registry.requests.filter(({ port }) => port === 'registry')).toHaveLength(2);
  });
});
