import type { IncomingMessage, ServerResponse } from 'node:http';
import { OciError } from '@soci/oci';
import { everythingIn } from '@soci/test-content';
import { startTestRegistry } from '@soci/test-registry';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Authorizer } from '../auth/authorizer.ts';
import { caught } from '../fixtures/caught.ts';
import { readText } from '../transport/fixtures/read-body.ts';
import { resolveTo } from '../transport/fixtures/resolve-to.ts';
import { TEST_IDENTITY } from '../transport/fixtures/test-identity.ts';
import { serve, serveRaw, serveTls } from '../transport/fixtures/test-server.ts';
import type { StreamedBody } from '../transport/http-message.ts';
import { PooledHttpSender } from '../transport/http-sender.ts';
import { openHttp } from './fixtures/open-http.ts';
import { RegistryHttp } from './registry-http.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers request after request by the next handler, the last again and again. */
function inTurn(...handlers: Handler[]): Handler {
  let count = 0;
  return (request, response) => handlers[Math.min(count++, handlers.length - 1)]?.(request, response);
}

const answer =
  (status: number, body = '', headers: Record<string, string> = {}): Handler =>
  (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  };

const sayAuthorization: Handler = ({ headers }, response) => void response.end(String(headers.authorization));

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
  test('is https, and plain http on loopback where https is not answered', async () => {
    const plain = openHttp((await serve(answer(200, 'plain'))).host);
    expect(await plain.ask('GET', '/v2/')).toBe('200 plain');
    expect(plain.http.origin).toMatch(/^http:/);
    const secure = openHttp((await serveTls(answer(200, 'secure'))).host, { ca: TEST_IDENTITY.cert });
    expect(await secure.ask('GET', '/v2/')).toBe('200 secure');
    expect(secure.http.origin).toMatch(/^https:/);
    expect(openHttp('registry.test').http.origin).toBe('https://registry.test');
    expect(openHttp('registry.test:5000', { plainHttp: true }).http.origin).toBe('http://registry.test:5000');
  });

  test('is found out once, however many ask at a time', async () => {
    const server = await serve(answer(200));
    const { ask } = openHttp(server.host, { maxConnections: 2 });
    await Promise.all([ask('GET', '/'), ask('GET', '/'), ask('GET', '/')]);
    expect(server.connections).toBe(3);
  });

  test('does not fall back to plain http where the certificate is not trusted', async () => {
    const { ask } = openHttp((await serveTls(answer(200))).host);
    expect(await caught(ask('GET', '/v2/'))).toMatchObject({ code: 'TLS_FAILED' });
  });

  test.each(['', 'host/path', 'user@host', 'host?x', 'https://host', 'ho st'])('%j is no host', (host) => {
    expect(() => openHttp(host)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });
});

describe('credentials', () => {
  test('are sent to the registry, and to no other host it leads to', async () => {
    const storage = await serve(({ headers, url }, response) =>
      response.end(`${headers.authorization} ${headers.range} ${url}`),
    );
    const registry = await serve((request, response) => {
      if (request.url === '/v2/') return sayAuthorization(request, response);
      return answer(307, '', { location: storage.at('/blob?X-Sig=1').href })(request, response);
    });
    const { ask, http } = openHttp(registry.host);
    expect(await ask('GET', '/v2/')).toBe('200 Basic YTpzZWNyZXQ=');
    const response = await http.open({
      method: 'GET',
      target: '/v2/app/blobs/x',
      headers: { range: 'bytes=1-2' },
      scope: [],
    });
    expect(await readText(response)).toBe('undefined bytes=1-2 /blob?X-Sig=1');
    expect(response.url.href).toBe(storage.at('/blob?X-Sig=1').href);
  });

  test('are not sent to a URL of another host, nor after it to the registry', async () => {
    const registry = await serve(sayAuthorization);
    const storage = await serve(inTurn(sayAuthorization, answer(307, '', { location: registry.at('/v2/').href })));
    const { ask } = openHttp(registry.host);
    expect(await ask('PUT', storage.at('/upload'), { body: Buffer.from('zTOC') })).toBe('200 undefined');
    expect(await ask('GET', storage.at('/back'))).toBe('200 undefined');
    expect(await ask('GET', registry.at('/v2/'))).toBe('200 Basic YTpzZWNyZXQ=');
  });

  test('that are not taken are followed by others, with the challenge told', async () => {
    const wanted = 'Bearer new';
    const registry = await serve((request, response) =>
      request.headers.authorization === wanted
        ? answer(201)(request, response)
        : answer(401, '', { 'www-authenticate': 'Bearer realm="https://auth.test/"' })(request, response),
    );
    const { ask, challenges, events, waits } = openHttp(registry.host, { authorizations: ['Bearer old', wanted] });
    const body = streamed(true, 'a', 'b');
    expect(await ask('PUT', '/v2/app/manifests/x', { body })).toBe('201 ');
    expect(challenges).toEqual(['Bearer realm="https://auth.test/"']);
    expect(body.opened()).toBe(2);
    // Nothing failed, so it counts as no retry.
    expect([waits, events.map(({ attempt, status }) => [attempt, status])]).toEqual([
      [],
      [
        [1, 401],
        [1, 201],
      ],
    ]);
  });

  test('are asked for so often and no more', async () => {
    let requests = 0;
    const registry = await serve((request, response) => {
      requests += 1;
      answer(401, JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'who?' }] }))(request, response);
    });
    const authorizations = Array.from({ length: 100 }, (_, i) => `Bearer ${i}`);
    const error = await caught(openHttp(registry.host, { authorizations }).ask('GET', '/v2/'));
    expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', status: 401 });
    expect(error.message).toBe(
      `GET http://${registry.host}/v2/ was answered with 401: UNAUTHORIZED: who?: try other credentials`,
    );
    expect(requests).toBe(3);
  });

  test('can be asked for at the host that refused others, however many wait for them', async () => {
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
        const answer = await sender.send({ method: 'GET', url: server.at('/token'), headers: {} });
        answer.discard();
        authorization = 'Bearer new';
        return true;
      },
      describeRejection: () => '',
    };
    const http = new RegistryHttp({ host: server.host, options: { plainHttp: true }, authorizer, sender });
    const asked = Array.from({ length: 4 }, () => http.exchange({ method: 'GET', target: '/', scope: [] }, 100));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test('that have expired are told by ECR with 403', async () => {
    const refusal = {
      errors: [{ code: 'DENIED', message: 'Your authorization token has expired. Reauthenticate and try again.' }],
    };
    const registry = await serve(inTurn(answer(403, JSON.stringify(refusal)), answer(200)));
    expect(await openHttp(registry.host, { authorizations: ['Basic old', 'Basic new'] }).ask('GET', '/v2/')).toBe(
      '200 ',
    );
  });

  test('that may too little are not asked for again, and the refusal keeps its words', async () => {
    const refusal = { errors: [{ code: 'DENIED', message: 'not authorized to perform ecr:PutImage' }] };
    const registry = await serve(answer(403, JSON.stringify(refusal)));
    const { ask, http, challenges } = openHttp(registry.host, { authorizations: ['Basic old', 'Basic new'] });
    expect(await caught(ask('PUT', '/v2/app/manifests/x'))).toMatchObject({
      code: 'ACCESS_DENIED',
      refusals: refusal.errors,
    });
    const expected = await http.open({ method: 'GET', target: '/v2/', scope: [], expected: [403] });
    expect(JSON.parse(await readText(expected))).toEqual(refusal);
    expect(challenges).toEqual([]);
  });

  test('of a storage are none of the registry', async () => {
    const storage = await serve(answer(401, '', { 'www-authenticate': 'Basic realm="evil"' }));
    const registry = await serve(answer(307, '', { location: storage.at('/').href }));
    const { ask, challenges } = openHttp(registry.host);
    expect(await caught(ask('GET', '/v2/app/blobs/x'))).toMatchObject({ code: 'AUTHENTICATION_FAILED' });
    expect(challenges).toEqual([]);
  });
});

describe('redirects', () => {
  test.each([
    ['to a metadata service', 'http://169.254.169.254/latest/meta-data/iam', 'REDIRECT_REFUSED'],
    ['in a circle', '/v2/app/blobs/x', 'REDIRECT_REFUSED'],
    ['to nowhere', 'http://', 'RESPONSE_INVALID'],
  ])('%s', async (_name, location, code) => {
    const registry = await serve(answer(307, '', { location }));
    const { ask, events, waits } = openHttp(registry.host);
    expect(await caught(ask('GET', '/v2/app/blobs/x'))).toMatchObject({ code });
    expect([events.length, waits]).toEqual([1, []]);
  });

  test('without end', async () => {
    let count = 0;
    const registry = await serve((request, response) =>
      answer(307, '', { location: `/${count++}` })(request, response),
    );
    expect(await caught(openHttp(registry.host).ask('GET', '/v2/'))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(count).toBe(6);
  });

  test('to plain http from https', async () => {
    const storage = await serve(answer(200, 'blob'));
    const registry = await serveTls(answer(307, '', { location: storage.at('/?sig=secret').href }));
    const error = await caught(openHttp(registry.host, { ca: TEST_IDENTITY.cert }).ask('GET', '/v2/app/blobs/x'));
    expect(error.code).toBe('REDIRECT_REFUSED');
    expect(everythingIn(error)).not.toContain('secret');
    expect(storage.connections).toBe(0);
  });

  test('to a name that leads to this machine, be it at the second look', async () => {
    const storage = await serveTls(answer(200, 'private'));
    const registry = await serveTls(answer(307, '', { location: `https://storage.test:${storage.port}/` }));
    const lookup = resolveTo('127.0.0.1', '127.0.0.1');
    const { ask } = openHttp(`registry.test:${registry.port}`, { ca: TEST_IDENTITY.cert, lookup });
    const error = await caught(ask('GET', '/v2/app/blobs/x'));
    expect(error).toMatchObject({ code: 'REDIRECT_REFUSED', message: expect.stringContaining('storage.test') });
    expect(storage.connections).toBe(0);
  });

  test('of an upload are followed where they keep its method, with a body that can be sent again', async () => {
    const registry = await serve((request, response) => {
      if (request.url === '/new/')
        return answer(202, String(request.method), { location: 'uploads/1' })(request, response);
      return answer(request.url === '/moved/' ? 302 : 307, '', { location: '/new/' })(request, response);
    });
    const { http, ask } = openHttp(registry.host);
    const { url, headers, status } = await http.exchange({ method: 'POST', target: '/old/', scope: [] }, 100);
    expect([status, new URL(headers.location ?? '', url).pathname]).toEqual([202, '/new/uploads/1']);
    expect(await caught(ask('POST', '/moved/'))).toMatchObject({ code: 'REDIRECT_REFUSED', status: 302 });
    expect(await caught(ask('PUT', '/old/', { body: streamed(false, 'once') }))).toMatchObject({
      code: 'REDIRECT_REFUSED',
      status: 307,
    });
  });

  test('are an answer where they are expected', async () => {
    const registry = await serve(answer(307, '', { location: 'https://storage.test/' }));
    expect(await openHttp(registry.host).ask('GET', '/v2/', { expected: [307] })).toBe('307 ');
  });
});

describe('retries', () => {
  test('of what passes, with the waits that are asked for', async () => {
    const registry = await serve(
      inTurn(
        answer(503),
        answer(429, '', { 'retry-after': '3' }),
        (request) => request.socket.resetAndDestroy(),
        answer(200, 'at last'),
      ),
    );
    const { ask, events, waits } = openHttp(registry.host, { retry: { baseDelay: 100 } });
    expect(await ask('GET', '/v2/')).toBe('200 at last');
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
  ])('of %i come to an end', async (status, code) => {
    const registry = await serve(answer(status, JSON.stringify({ errors: [{ code: 'X', message: 'why' }] })));
    const { ask, events } = openHttp(registry.host, { retry: { maxAttempts: 3 } });
    const error = await caught(ask('GET', '/v2/'));
    expect(error).toMatchObject({ code, status, refusals: [{ code: 'X', message: 'why' }] });
    expect(error.message).toBe(`GET http://${registry.host}/v2/ was answered with ${status}: X: why (tried 3 times)`);
    expect(events).toHaveLength(3);
  });

  test.each([400, 403, 404, 405, 501])('of %i are none', async (status) => {
    const registry = await serve(answer(status));
    const { ask, events } = openHttp(registry.host);
    await expect(ask('GET', '/v2/')).rejects.toThrow(`answered with ${status}`);
    expect(events).toHaveLength(1);
  });

  test('of a stall', async () => {
    const registry = await serve(inTurn(() => undefined, answer(200, 'awake')));
    const { ask, events } = openHttp(registry.host, { stallTimeout: 1000 });
    expect(await ask('GET', '/v2/')).toBe('200 awake');
    expect(events[0]?.error).toMatchObject({ code: 'STALLED' });
  });

  test('of a whole answer that breaks off; an open one is its reader’s affair', async () => {
    const breakOff: Handler = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half', () => response.socket?.destroy());
    };
    const registry = await serve(inTurn(breakOff, answer(200, 'whole'), breakOff));
    const { ask, http } = openHttp(registry.host);
    expect(await ask('GET', '/v2/')).toBe('200 whole');
    const response = await http.open({ method: 'GET', target: '/v2/', scope: [] });
    expect(await caught(readText(response))).toMatchObject({ code: 'CONNECTION_FAILED' });
  });

  test('send bytes, and streams that can be opened again', async () => {
    const take =
      (status: number): Handler =>
      async (request, response) => {
        response.writeHead(status).end(await readText({ body: request }));
      };
    const registry = await serve(inTurn(take(503), take(201), take(503), take(201)));
    const { ask } = openHttp(registry.host);
    expect(await ask('PUT', '/v2/', { body: Buffer.from('bytes') })).toBe('201 bytes');
    expect(await ask('PUT', '/v2/', { body: streamed(true, 'str', 'eam') })).toBe('201 stream');
  });

  test('do not send half of a stream that opens once', async () => {
    const registry = await serve(answer(503));
    const { ask, events } = openHttp(registry.host);
    const body = streamed(false, 'once');
    expect(await caught(ask('PUT', '/v2/', { body }))).toMatchObject({ code: 'SERVER_FAILED' });
    expect([events.length, body.opened()]).toEqual([1, 1]);
  });

  test('send a stream that opens once where nothing was read of it', async () => {
    const { ask, events } = openHttp('127.0.0.1:1', { plainHttp: true, retry: { maxAttempts: 3 } });
    const body = streamed(false, 'once');
    expect(await caught(ask('PUT', '/v2/', { body }))).toMatchObject({ code: 'CONNECTION_FAILED' });
    expect([events.length, body.opened()]).toEqual([3, 0]);
  });

  test('are not for the source of a body', async () => {
    const registry = await serve(answer(201));
    const failure = await caught(
      openHttp('127.0.0.1:1', { plainHttp: true, retry: { maxAttempts: 1 } }).ask('GET', '/'),
    );
    const body: StreamedBody = {
      size: 10,
      isRepeatable: true,
      // biome-ignore lint/correctness/useYield: it fails before there is anything to yield.
      async *open() {
        throw failure;
      },
    };
    const { ask, events } = openHttp(registry.host);
    expect(await caught(ask('PUT', '/v2/', { body }))).toBe(failure);
    expect(events).toHaveLength(1);
  });

  test('end with the signal', async () => {
    const controller = new AbortController();
    const registry = await serve((request, response) => {
      controller.abort(new Error('enough'));
      answer(503)(request, response);
    });
    await expect(openHttp(registry.host).ask('GET', '/v2/', { signal: controller.signal })).rejects.toThrow('enough');
  });
});

test('a signal ends the wait for a handshake that tells the scheme', async () => {
  const controller = new AbortController();
  const silent = await serveRaw(() => controller.abort(new Error('enough')));
  await expect(openHttp(silent.host).ask('GET', '/v2/', { signal: controller.signal })).rejects.toThrow('enough');
});

describe('answers', () => {
  test('of 404 are an OciError, or what the caller expects', async () => {
    const registry = await serve(
      answer(404, JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN', message: 'no such repository' }] })),
    );
    const { ask } = openHttp(registry.host);
    const error = await ask('GET', '/v2/app/manifests/x').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OciError);
    expect(error).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('NAME_UNKNOWN: no such repository'),
    });
    expect(await ask('GET', '/v2/app/manifests/x', { expected: [404] })).toMatch(/^404 /);
  });

  test.each([{ 'content-length': String(4 * 2 ** 20 + 1) }, {}])(
    'of 4 MiB and a byte are refused (%j)',
    async (headers) => {
      const registry = await serve(answer(200, ' '.repeat(4 * 2 ** 20 + 1), headers));
      const { ask, events } = openHttp(registry.host);
      const error = await caught(ask('GET', '/v2/app/manifests/x'));
      expect(error).toMatchObject({
        code: 'LIMIT_EXCEEDED',
        message: expect.stringContaining('more than 4194304 bytes'),
      });
      expect(events).toHaveLength(1);
    },
  );

  test('that never end are no reason given', async () => {
    const registry = await serve((_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.writeHead(400).on('drain', write);
      write();
    });
    const error = await caught(openHttp(registry.host).ask('GET', '/v2/app/tags/list'));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', status: 400, message: expect.stringContaining('no reason') });
  });

  test('of HTML', async () => {
    const registry = await serve(answer(404, '<html><body>Not here', { 'content-type': 'text/html' }));
    expect(await caught(openHttp(registry.host).ask('GET', '/v2/app/manifests/x'))).toMatchObject({
      code: 'RESPONSE_INVALID',
    });
  });

  test('with a header bomb', async () => {
    const registry = await serveRaw((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nLocation: ${'x'.repeat(100_000)}\r\n\r\n`),
    );
    const { ask, events } = openHttp(registry.host, { plainHttp: true });
    expect(await caught(ask('GET', '/v2/'))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(events).toHaveLength(1);
  });

  test.each([401, 403, 404, 405, 429, 500])('of %i that echo everything give away nothing', async (status) => {
    const registry = await serve(({ headers, url }, response) => {
      const message = `${headers.authorization} http://${headers.host}${url} secret`;
      answer(status, JSON.stringify({ errors: [{ code: String(headers.authorization), message }] }))(
        { resume() {} } as never,
        response,
      );
    });
    const { ask, events } = openHttp(registry.host, { retry: { maxAttempts: 2 } });
    const error: unknown = await ask('PUT', '/v2/app/manifests/x?token=t0ken').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringContaining(`PUT http://${registry.host}/v2/app/manifests/x was answered`),
    });
    expect(everythingIn(error) + JSON.stringify(events)).not.toMatch(/YTpzZWNyZXQ|secret|t0ken/);
  });
});

describe('with a registry like ECR', () => {
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
    const opened = openHttp(registry.host, { ca: registry.ca ?? '', authorizations, stallTimeout: 1500 });
    return { registry, path: `/v2/app/blobs/${digest}`, addToken, ...opened };
  }

  test('a blob comes from its storage, which refuses credentials', async () => {
    const { ask, path, registry } = await openRegistry();
    expect(await ask('GET', path)).toBe('200 a layer');
    expect(registry.requests.map(({ port, status, authorization }) => [port, status, authorization])).toEqual([
      ['registry', 307, true],
      ['storage', 200, false],
    ]);
  });

  test('a token that has expired is followed by a new one', async () => {
    const { ask, path, registry, addToken, waits } = await openRegistry();
    registry.expireTokens();
    addToken();
    expect(await ask('GET', path)).toBe('200 a layer');
    expect(waits).toEqual([]);
  });

  test.each([
    { kind: 'status', status: 503 },
    { kind: 'reset' },
    { kind: 'reset', afterBytes: 3 },
    { kind: 'stall' },
    { kind: 'stall', afterBytes: 3 },
    { kind: 'truncate', afterBytes: 3 },
  ] as const)('%j is met by asking again, for a new address too', async (fault) => {
    const { registry, path, ask, waits } = await openRegistry();
    registry.inject({ on: { port: 'storage' }, fault });
    expect(await ask('GET', path)).toBe('200 a layer');
    expect(waits).toEqual([125]);
    expect(registry.requests.filter(({ port }) => port === 'registry')).toHaveLength(2);
  });
});
