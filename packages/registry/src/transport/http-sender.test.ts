import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OciError } from '@soci/oci';
import { describe, expect, onTestFinished, test } from 'vitest';
import { catchError } from '../fixtures/catch-error.ts';
import type { HttpSenderOptions } from './connections.ts';
import { resolveTo } from './fixtures/resolve-to.ts';
import { readText, serve, serveRaw, serveTls, TEST_IDENTITY } from './fixtures/test-server.ts';
import type { HttpBody, HttpMethod, HttpRequest } from './http-message.ts';
import { PooledHttpSender } from './http-sender.ts';

/** Stall timeout of tests that provoke a stall, in milliseconds. */
const STALL_TIMEOUT = 1000;

/** Stall timeout that suffices on a loaded machine, in milliseconds. */
const LONG_STALL_TIMEOUT = 2000;

function openSender(options: HttpSenderOptions = {}) {
  const sender = new PooledHttpSender({ env: {}, ...options });
  onTestFinished(() => sender.close());
  const request = (method: HttpMethod, url: URL, more: Partial<HttpRequest> = {}) =>
    sender.send({ method, url, headers: {}, ...more });
  return {
    close: () => sender.close(),
    request,
    get: (url: URL, more: Partial<HttpRequest> = {}) => request('GET', url, more),
  };
}

function streamed(size: number, ...chunks: Uint8Array[]): HttpBody {
  return {
    size,
    isRepeatable: true,
    async *open() {
      yield* chunks;
    },
  };
}

describe('a request', () => {
  test('returns responses of any status, with joined headers', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(503, [
        ['WWW-Authenticate', 'Basic realm="a"'],
        ['WWW-Authenticate', 'Bearer realm="b"'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ] as never);
      response.end('busy');
    });
    const response = await openSender().get(server.at('/v2/?a=b'));
    expect(response.status).toBe(503);
    expect(response.url.href).toBe(server.at('/v2/?a=b').href);
    expect(response.headers['www-authenticate']).toBe('Basic realm="a", Bearer realm="b"');
    expect(response.headers['set-cookie']).toBe('a=1, b=2');
    expect(await readText(response)).toBe('busy');
  });

  test('sends path and query unchanged, and accepts no content encoding', async () => {
    const server = await serve(({ url, headers }, response) => response.end(`${url} ${headers['accept-encoding']}`));
    const response = await openSender().get(server.at('/v2/a%2Fb/blobs/sha256:0?X-Sig=a%2Fb&c'));
    expect(await readText(response)).toBe('/v2/a%2Fb/blobs/sha256:0?X-Sig=a%2Fb&c identity');
  });

  test('returns the length of a HEAD response without a body', async () => {
    const server = await serve((_request, response) => response.writeHead(200, { 'content-length': 123 }).end());
    const response = await openSender().request('HEAD', server.at('/'));
    expect(response.headers['content-length']).toBe('123');
    expect(await readText(response)).toBe('');
  });

  test('sends bytes and streams with their length', async () => {
    const server = await serve(async (request, response) => {
      let length = 0;
      for await (const chunk of request) length += (chunk as Buffer).length;
      response.end(`${request.headers['content-length']} ${request.headers['transfer-encoding']} ${length}`);
    });
    const { request } = openSender();
    const large = new Uint8Array(5_000_000);
    for (const body of [large, streamed(5_000_000, large.subarray(0, 10), large.subarray(10)), streamed(0)]) {
      const size = body instanceof Uint8Array ? body.length : body.size;
      expect(await readText(await request('PUT', server.at('/'), { body }))).toBe(`${size} undefined ${size}`);
    }
  });

  test.each([
    [10, 9, 'has 9 bytes, expected 10'],
    [10, 11, 'has more than 10 bytes, expected 10'],
  ])('rejects a stream that declares %i bytes and has %i', async (size, actual, message) => {
    const server = await serve((request, response) => void request.resume().on('end', () => response.end()));
    const sent = openSender().request('PUT', server.at('/'), { body: streamed(size, new Uint8Array(actual)) });
    const error = await sent.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OciError);
    expect(error).toMatchObject({ code: 'SIZE_MISMATCH', message: expect.stringContaining(message) });
  });

  test('rejects with the error of a body stream', async () => {
    const server = await serve((request) => void request.resume());
    const failure = new Error('the source broke');
    const body: HttpBody = {
      size: 10,
      isRepeatable: true,
      async *open() {
        yield new Uint8Array(5);
        throw failure;
      },
    };
    await expect(openSender().request('PUT', server.at('/'), { body })).rejects.toBe(failure);
  });

  test('yields each chunk in its own memory, which can be transferred', async () => {
    const server = await serve((_request, response) => response.end(Buffer.alloc(1_000_000, 'x')));
    let length = 0;
    for await (const chunk of (await openSender().get(server.at('/'))).body) {
      expect(chunk.buffer.byteLength).toBe(chunk.length);
      length += structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] }).length;
    }
    expect(length).toBe(1_000_000);
  });
});

describe('connections', () => {
  test('are reused for sequential requests, whether a body was read or discarded', async () => {
    const server = await serve((_request, response) => response.writeHead(200, { 'content-length': 4 }).end('text'));
    const { get, request } = openSender();
    await readText(await get(server.at('/')));
    (await get(server.at('/'))).discard();
    await sleep(20);
    (await request('HEAD', server.at('/'))).discard();
    await sleep(20);
    await readText(await get(server.at('/')));
    expect(server.connections).toBe(1);
  });

  test.each([{ 'content-length': 2 ** 40 }, {}])('are closed if a long body is discarded (%j)', async (headers) => {
    let end: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => {
      end = resolve;
    });
    const server = await serve((_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response
        .writeHead(200, headers)
        .on('drain', write)
        .on('close', () => end?.());
      write();
    });
    (await openSender().get(server.at('/'))).discard();
    await closed;
  });

  test('are limited per host', async () => {
    const waiting: ServerResponse[] = [];
    const server = await serve((_request, response) => void waiting.push(response));
    const { get } = openSender({ maxConnections: 3 });
    const texts = Array.from({ length: 10 }, async () => readText(await get(server.at('/'))));
    let answered = 0;
    while (answered < 10) {
      await expect.poll(() => waiting.length).toBe(Math.min(3, 10 - answered));
      for (const response of waiting.splice(0)) {
        void response.end('ok');
        answered += 1;
      }
    }
    expect(await Promise.all(texts)).toEqual(Array(10).fill('ok'));
    expect(server.connections).toBe(3);
  });

  test('are closed if the response arrives before the body is sent', async () => {
    const server = await serve((request, response) => {
      if (request.method === 'PUT') response.writeHead(401).end('who?');
      else response.end('ok');
    });
    const { request, get } = openSender();
    let opened = 0;
    const endless: HttpBody = {
      size: 2 ** 40,
      isRepeatable: true,
      async *open() {
        for (;;) {
          opened += 1;
          yield new Uint8Array(65_536);
        }
      },
    };
    const response = await request('PUT', server.at('/'), { body: endless });
    expect([response.status, await readText(response)]).toEqual([401, 'who?']);
    const before = opened;
    expect(await readText(await get(server.at('/')))).toBe('ok');
    expect(opened - before).toBeLessThanOrEqual(1);
    expect(server.connections).toBe(2);
  });

  test('send nothing from the memory of a body after the response, even if a piece is still waiting', async () => {
    const [before, after] = [1, 2];
    const body = new Uint8Array(64 << 20).fill(before);
    const connected = Promise.withResolvers<Socket>();
    const server = await serveRaw((socket) => connected.resolve(socket));
    const responded = openSender().request('PUT', server.at('/'), { body });
    const socket = await connected.promise;
    // The server reads nothing, until all buffers between the two are full.
    await sleep(300);
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n');
    const response = await responded;
    body.fill(after);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await sleep(300);
    socket.end('ok');
    expect(await readText(response)).toBe('ok');
    const bytes = Buffer.concat(chunks);
    expect(bytes.includes(before)).toBe(true);
    expect(bytes.includes(after)).toBe(false);
  });

  test('cause no listener warning if many requests share a signal', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const server = await serve((_request, response) => response.end('ok'));
    const { get } = openSender({ maxConnections: 40 });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 40 }, async () => readText(await get(server.at('/'), { signal }))));
    await sleep(0);
    expect(warnings).toEqual([]);
  });
});

describe('closing', () => {
  test('rejects running, waiting and later requests', async () => {
    let arrived = 0;
    const server = await serve((_request, response) => {
      arrived += 1;
      if (arrived === 1) response.write('started');
    });
    const { get, close } = openSender({ maxConnections: 2 });
    const body = readText(await get(server.at('/')));
    const unfinished = [body, get(server.at('/')), get(server.at('/')), get(server.at('/'))].map(catchError);
    await expect.poll(() => arrived).toBe(2);
    close();
    const codes = (await Promise.all(unfinished)).map(({ code }) => code);
    expect(codes).toEqual(['CONNECTION_FAILED', 'CONNECTION_FAILED', 'CLOSED', 'CLOSED']);
    expect(await catchError(get(server.at('/')))).toMatchObject({ code: 'CLOSED' });
    expect(server.connections).toBe(2);
  });
});

describe('failures', () => {
  test('connection refused', async () => {
    const server = await serve(() => undefined);
    const url = server.at('/v2/?token=secret');
    url.port = '1';
    const error = await catchError(openSender().get(url));
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', request: 'GET http://127.0.0.1:1/v2/' });
    expect(error.message).toBe(
      'GET http://127.0.0.1:1/v2/: the connection failed (ECONNREFUSED): check the host, the port, the network and the proxy settings',
    );
  });

  test('unknown host', async () => {
    const error = await catchError(openSender().get(new URL('https://registry.invalid/')));
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', request: 'GET https://registry.invalid/' });
  });

  test.each([
    ['closed before the response', '', 'CONNECTION_FAILED'],
    ['closed in the headers', 'HTTP/1.1 200 OK\r\nContent-Le', 'CONNECTION_FAILED'],
    ['not HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'RESPONSE_INVALID'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc', 'RESPONSE_INVALID'],
    [
      'unrequested upgrade',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'CONNECTION_FAILED',
    ],
  ])('%s', async (_name, bytes, code) => {
    const server = await serveRaw((socket) => socket.end(bytes));
    expect(await catchError(openSender().get(server.at('/')))).toMatchObject({ code });
  });

  test('a parse error does not contain the response', async () => {
    const server = await serveRaw((socket) => socket.end('HTTP/1.1 200 OK\r\nX: secret\r\n broken\0header\r\n\r\n'));
    const error = await catchError(openSender().get(server.at('/')));
    expect(error.code).toBe('RESPONSE_INVALID');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret');
    expect(error.cause).toBeUndefined();
  });

  test.each([
    ['shorter than its Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
    ['without its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ])('a body %s: yields the received bytes, then throws', async (_name, bytes) => {
    const server = await serveRaw((socket) => socket.end(bytes));
    const { body } = await openSender().get(server.at('/'));
    let text = '';
    const read = async () => {
      for await (const chunk of body) text += Buffer.from(chunk).toString();
    };
    expect(await catchError(read())).toMatchObject({
      code: 'CONNECTION_FAILED',
      request: `GET ${server.at('/').href}`,
    });
    expect(text).toBe('abc');
  });

  test('connection reset in the body', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('abc', () => response.socket?.resetAndDestroy());
    });
    const { body } = await openSender().get(server.at('/'));
    const read = async () => {
      for await (const _chunk of body);
    };
    expect(await catchError(read())).toMatchObject({ code: 'CONNECTION_FAILED' });
  });
});

describe('limits', () => {
  test.each([
    ['long header', `X: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['many headers', `${Array.from({ length: 300 }, (_, i) => `X-${i}: y`).join('\r\n')}\r\nContent-Length: 0\r\n\r\n`],
  ])('%s', async (_name, headers) => {
    const server = await serveRaw((socket) => socket.write(`HTTP/1.1 200 OK\r\n${headers}`));
    expect(await catchError(openSender().get(server.at('/')))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  test.each([
    ['headers', 'HTTP/1.1 200 OK\r\n', (count: number) => `X-${count}: y\r\n`, /LIMIT_EXCEEDED|STALLED/],
    ['interim responses', '', () => 'HTTP/1.1 102 Processing\r\n\r\n', /STALLED/],
  ])('endless %s', async (_name, begin, more, code) => {
    const server = await serveRaw((socket) => {
      socket.write(begin);
      let count = 0;
      const timer = setInterval(() => socket.write(more(count++)), 5);
      socket.on('close', () => clearInterval(timer));
    });
    const error = await catchError(openSender({ stallTimeout: STALL_TIMEOUT }).get(server.at('/')));
    expect(error.code).toMatch(code);
  });
});

describe('stalls', () => {
  test('in the TLS handshake', async () => {
    const server = await serveRaw(() => undefined);
    const url = new URL(`https://${server.host}/`);
    const error = await catchError(openSender({ stallTimeout: STALL_TIMEOUT }).get(url));
    expect(error.code).toBe('STALLED');
    expect(error.message).toBe(`GET ${url.href}: no progress for 1 s while connecting: check the network`);
  });

  test('while waiting for the response, extended by extraResponseTimeout', async () => {
    const server = await serve(
      ({ url }, response) => void (url === '/late' && setTimeout(() => response.end('late'), 1.5 * LONG_STALL_TIMEOUT)),
    );
    const { get } = openSender({ stallTimeout: LONG_STALL_TIMEOUT });
    const error = await catchError(get(server.at('/never')));
    expect(error).toMatchObject({
      code: 'STALLED',
      message: expect.stringContaining('while waiting for the response'),
    });
    expect(await readText(await get(server.at('/late'), { extraResponseTimeout: 60_000 }))).toBe('late');
  });

  test.each([
    ['that stops', () => undefined],
    [
      'that trickles',
      (response: ServerResponse) => {
        const timer = setInterval(() => response.write('.'), 20);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('in a body %s', async (_name, go) => {
    const server = await serve((_request, response) => {
      response.writeHead(200).write('abc');
      go(response);
    });
    const error = await catchError(readText(await openSender({ stallTimeout: STALL_TIMEOUT }).get(server.at('/'))));
    expect(error).toMatchObject({ code: 'STALLED', message: expect.stringContaining('while reading the response') });
  });

  test('in an upload that the server does not read', async () => {
    const server = await serve((request) => void request.pause());
    const sent = openSender({ stallTimeout: STALL_TIMEOUT }).request('PUT', server.at('/'), {
      body: new Uint8Array(64 * 2 ** 20),
    });
    expect(await catchError(sent)).toMatchObject({
      code: 'STALLED',
      message: expect.stringContaining('while sending the request'),
    });
  });

  test('do not include a slow consumer or a slow source of an upload', async () => {
    const server = await serve(async (request, response) => {
      for await (const _chunk of request);
      response.end(Buffer.alloc(300_000));
    });
    const body: HttpBody = {
      size: 2,
      isRepeatable: true,
      async *open() {
        yield new Uint8Array(1);
        await sleep(1.5 * LONG_STALL_TIMEOUT);
        yield new Uint8Array(1);
      },
    };
    const response = await openSender({ stallTimeout: LONG_STALL_TIMEOUT }).request('PUT', server.at('/'), { body });
    let length = 0;
    let slept = 0;
    for await (const chunk of response.body) {
      length += chunk.length;
      if (slept++ === 0) await sleep(1.5 * LONG_STALL_TIMEOUT);
    }
    expect(length).toBe(300_000);
  });
});

describe('a signal aborts', () => {
  test('a request before it is sent', async () => {
    const server = await serve((_request, response) => response.end());
    await expect(openSender().get(server.at('/'), { signal: AbortSignal.abort('early') })).rejects.toBe('early');
    expect(server.connections).toBe(0);
  });

  test('waiting for a response', async () => {
    const controller = new AbortController();
    const server = await serve(() => controller.abort(new Error('aborted')));
    await expect(openSender().get(server.at('/'), { signal: controller.signal })).rejects.toThrow('aborted');
  });

  test('a body, read or not', async () => {
    const server = await serve((_request, response) => void response.writeHead(200).write('abc'));
    for (const delay of [0, 50]) {
      const controller = new AbortController();
      const { body } = await openSender().get(server.at('/'), { signal: controller.signal });
      const abort = async () => {
        await sleep(delay);
        controller.abort(new Error('aborted'));
      };
      const [read] = await Promise.allSettled([readText({ body }), abort()]);
      expect(read).toMatchObject({ status: 'rejected', reason: new Error('aborted') });
    }
  });

  test('an upload', async () => {
    const controller = new AbortController();
    const server = await serve((request) => void request.once('data', () => controller.abort(new Error('aborted'))));
    const sent = openSender().request('PUT', server.at('/'), {
      body: new Uint8Array(64 * 2 ** 20),
      signal: controller.signal,
    });
    await expect(sent).rejects.toThrow('aborted');
  });

  test('nothing after the response was read', async () => {
    const controller = new AbortController();
    const server = await serve((_request, response) => response.end('abc'));
    const response = await openSender().get(server.at('/'), { signal: controller.signal });
    const text = await readText(response);
    controller.abort();
    expect(text).toBe('abc');
  });
});

describe('TLS', () => {
  test('rejects an untrusted certificate, and accepts one from option ca', async () => {
    const server = await serveTls((_request, response) => response.end('ok'));
    const error = await catchError(openSender().get(server.at('/')));
    expect(error).toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
    });
    expect(await readText(await openSender({ ca: TEST_IDENTITY.cert }).get(server.at('/')))).toBe('ok');
  });

  test('rejects a certificate for another name', async () => {
    const server = await serveTls((_request, response) => response.end('ok'));
    const url = new URL(`https://other.test:${server.port}/`);
    const error = await catchError(openSender({ ca: TEST_IDENTITY.cert, lookup: resolveTo('127.0.0.1') }).get(url));
    expect(error).toMatchObject({ code: 'TLS_FAILED', message: expect.stringContaining('ALTNAME_INVALID') });
  });

  test('reports a server without TLS', async () => {
    const server = await serve((_request, response) => response.end('ok'));
    const error = await catchError(openSender().get(new URL(`https://${server.host}/`)));
    expect(error).toMatchObject({ code: 'TLS_FAILED', message: expect.stringContaining('plain HTTP') });
  });

  test('rejects an option ca without a valid certificate', () => {
    for (const ca of ['', 'no PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      expect(() => new PooledHttpSender({ ca })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
    }
  });
});

test.each([
  { stallTimeout: 0 },
  { stallTimeout: Number.POSITIVE_INFINITY },
  { maxConnections: 1 },
  { maxConnections: 1.5 },
])('rejects the options %j', (options) => {
  expect(() => new PooledHttpSender(options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});
