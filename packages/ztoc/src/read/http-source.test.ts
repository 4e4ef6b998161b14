import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpSource } from './http-source.ts';

const blob = Uint8Array.from({ length: 100_000 }, (_, i) => i * 13);

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/blob?signature=secret`;
}

/** Answers range requests like the storage of a registry. */
function answerRange(request: IncomingMessage, response: ServerResponse, bytes = blob): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) return void response.writeHead(200).end(bytes);
  if (Number(first) >= bytes.length)
    return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
  const end = Math.min(Number(last), bytes.length - 1);
  response.writeHead(206, { 'content-range': `bytes ${first}-${end}/${bytes.length}` });
  response.end(bytes.subarray(Number(first), end + 1));
}

describe('httpSource', () => {
  it('requests the size once, and then only the ranges', async () => {
    const ranges: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      ranges.push(request.headers.range);
      answerRange(request, response);
    });
    const source = await httpSource(url);
    expect(source.size).toBe(100_000);
    expect(await source.read(70_000, 1234)).toEqual(blob.subarray(70_000, 71_234));
    expect(await source.read(99_999, 1)).toEqual(blob.subarray(99_999));
    expect(await source.read(5, 0)).toEqual(new Uint8Array(0));
    expect(ranges).toEqual(['bytes=0-0', 'bytes=70000-71233', 'bytes=99999-99999']);
  });

  it('does not request a size that is given', async () => {
    const source = await httpSource('http://127.0.0.1:9/', { size: 10 });
    expect(source.size).toBe(10);
  });

  it('accepts an empty blob', async () => {
    const url = await serve((request, response) => answerRange(request, response, new Uint8Array(0)));
    const source = await httpSource(url);
    expect(source.size).toBe(0);
    expect(await source.read(0, 0)).toEqual(new Uint8Array(0));
  });

  it('sends the given headers with the given fetch, and requests the identity encoding', async () => {
    let headers: IncomingMessage['headers'] = {};
    const url = await serve((request, response) => {
      headers = request.headers;
      answerRange(request, response);
    });
    let calls = 0;
    const counted: typeof fetch = (input, init) => {
      calls++;
      return fetch(input, init);
    };
    await httpSource(url, { fetch: counted, headers: { authorization: 'Bearer x', Range: 'bytes=1-' } });
    expect(headers).toMatchObject({ authorization: 'Bearer x', range: 'bytes=0-0', 'accept-encoding': 'identity' });
    expect(calls).toBe(1);
  });

  it('follows a redirect to another origin without the credentials', async () => {
    let storageHeaders: IncomingMessage['headers'] = {};
    const storage = createServer((request, response) => {
      storageHeaders = request.headers;
      answerRange(request, response);
    });
    await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
    const location = `http://127.0.0.1:${(storage.address() as AddressInfo).port}/`;
    const url = await serve((_, response) => void response.writeHead(307, { location }).end());
    try {
      const source = await httpSource(url, { headers: { authorization: 'Bearer x' } });
      expect(await source.read(10, 3)).toEqual(blob.subarray(10, 13));
      expect(storageHeaders.authorization).toBeUndefined();
    } finally {
      storage.closeAllConnections();
      storage.close();
    }
  });
});

describe('httpSource rejects', () => {
  const responses: Record<string, [RequestListener, message: string]> = {
    'a response with the whole blob': [(_, response) => void response.writeHead(200).end(blob), 'whole blob'],
    'a missing blob': [(_, response) => void response.writeHead(404).end('no such blob'), 'status 404'],
    'a response with another range': [
      (_, response) => void response.writeHead(206, { 'content-range': 'bytes 0-9/100000' }).end(blob.subarray(0, 10)),
      'the range "bytes 0-9/100000"',
    ],
    'a response without Content-Range': [
      (_, response) => void response.writeHead(206).end(blob.subarray(0, 10)),
      'the range "none"',
    ],
    'a blob with another size': [
      (_, response) => void response.writeHead(206, { 'content-range': 'bytes 10-19/7' }).end(blob.subarray(10, 20)),
      '7 bytes',
    ],
    'a body that is too long': [
      (_, response) => void response.writeHead(206, { 'content-range': 'bytes 10-19/100000' }).end(blob),
      'more than the announced 10 bytes',
    ],
    'a body that is too short': [
      (_, response) => void response.writeHead(206, { 'content-range': 'bytes 10-19/100000' }).end(blob.subarray(0, 9)),
      '9 of the announced 10 bytes',
    ],
    'a truncated response': [
      (_, response) => {
        response.writeHead(206, { 'content-range': 'bytes 10-19/100000', 'content-length': '10' });
        response.write(blob.subarray(0, 5));
        setTimeout(() => response.destroy(), 10);
      },
      'closed the connection',
    ],
  };

  it.each(Object.entries(responses))('%s, without showing the signature in the URL', async (_, [listener, message]) => {
    const source = await httpSource(await serve(listener), { size: blob.length });
    const error = await source.read(10, 10).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'SOURCE_READ_FAILED', message: expect.stringContaining(message) });
    expect(String(error)).not.toContain('secret');
  });

  it('a server that does not report the size', async () => {
    const url = await serve(
      (_, response) => void response.writeHead(206, { 'content-range': 'bytes 0-0/*' }).end(blob.subarray(0, 1)),
    );
    await expect(httpSource(url)).rejects.toMatchObject({ message: expect.stringContaining('Set the `size` option') });
  });

  it('a range past the end of the blob, without a request', async () => {
    const source = await httpSource('http://127.0.0.1:9/', { size: 10 });
    await expect(source.read(5, 6)).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED', offset: 5 });
    await expect(source.read(-1, 2)).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED' });
  });

  it('a server that does not answer', async () => {
    await expect(httpSource('http://127.0.0.1:9/')).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED' });
  });

  it('an aborted read', async () => {
    const url = await serve(() => {});
    const controller = new AbortController();
    const source = await httpSource(url, { size: 10 });
    const reading = source.read(0, 10, { signal: controller.signal });
    setTimeout(() => controller.abort('stopped'), 5);
    await expect(reading).rejects.toBe('stopped');
    const { signal } = controller;
    await expect(httpSource(url, { signal })).rejects.toBe('stopped');
  });
});
