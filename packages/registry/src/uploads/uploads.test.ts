import { inspect } from 'node:util';
import { MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { type Content, contentOf, noise, streamOf } from '@soci/test-content';
import type { TestRegistry } from '@soci/test-registry';
import { describe, expect, test } from 'vitest';
import { RegistryError } from '../errors.ts';
import { openTestRepository, requestLines } from '../fixtures/opened-repository.ts';
import { openScriptedRepository, respondJson } from '../fixtures/scripted-registry.ts';

const small = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, 'a small blob');
const large = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, noise(20_000_000));

/** Compares the blob without the test runner, which would print millions of bytes. */
async function isStored(server: TestRegistry, { descriptor, bytes }: Content): Promise<boolean> {
  const stored = await server.blob('team/app', descriptor.digest);
  return stored !== undefined && Buffer.compare(stored, bytes) === 0;
}

const methods = (lines: readonly string[]) => lines.map((line) => line.split(' ')[0]).join(' ');

test('checks for a blob, then uploads bytes in one request', async () => {
  const { repository, server } = await openTestRepository({ absoluteLocations: true });
  await repository.push(small.descriptor, small.bytes);
  expect(methods(requestLines(server))).toBe('HEAD POST PUT');
  expect(await isStored(server, small)).toBe(true);
});

test('does not upload an existing blob, or check again for one known to be missing', async () => {
  const { repository, server } = await openTestRepository();
  expect(await repository.exists(small.descriptor)).toBe(false);
  await repository.push(small.descriptor, small.bytes);
  expect(methods(requestLines(server))).toBe('HEAD POST PUT');
  server.clearRequests();
  await repository.push(small.descriptor, small.bytes);
  expect(methods(requestLines(server))).toBe('HEAD');
});

test('uses a single POST if the registry supports it', async () => {
  const { repository, server } = await openTestRepository({ singlePost: true });
  await repository.push(small.descriptor, small.bytes);
  expect(methods(requestLines(server))).toBe('HEAD POST');
  expect(await isStored(server, small)).toBe(true);
  server.clearRequests();
  const medium = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, noise(300_000));
  await repository.push(medium.descriptor, medium.bytes);
  expect(methods(requestLines(server))).toBe('HEAD POST PUT'); // too large for a single POST
});

test.each([202, 405])('does not use a single POST again after status %i', async (status) => {
  const { repository, lines } = await openScriptedRepository((request, response) => {
    const isSinglePost = request.url?.includes('?digest=') === true;
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'PUT') response.writeHead(201).end();
    else response.writeHead(isSinglePost ? status : 202, { location: '/v2/team/app/blobs/uploads/1' }).end();
  });
  const digest = encodeURIComponent(small.descriptor.digest);
  for (const _ of [1, 2]) await repository.push(small.descriptor, small.bytes);
  const posts = lines.filter((line) => line.startsWith('POST')).map((line) => line.split('/').at(-1));
  expect(posts).toEqual(status === 202 ? [`?digest=${digest}`, ''] : [`?digest=${digest}`, '', '']);
  expect(lines.filter((line) => line.startsWith('PUT'))).toHaveLength(2);
});

test('pushes content if the registry does not answer HEAD', async () => {
  const { repository, lines } = await openScriptedRepository((request, response) => {
    response.writeHead(request.method === 'HEAD' ? 405 : 201).end();
  });
  await repository.push(small.descriptor, small.bytes);
  expect(methods(lines)).toBe('HEAD POST');
});

test('uploads a small stream in one request', async () => {
  const { repository, server } = await openTestRepository();
  await repository.push(small.descriptor, streamOf(small.bytes, 5));
  expect(methods(requestLines(server))).toBe('HEAD POST PUT');
});

test.each([{ ecr: false }, { ecr: true }])('uploads a large stream in chunks of 8 MiB (ecr: $ecr)', async ({ ecr }) => {
  const { repository, server } = await openTestRepository({ ecr, autoCreate: true });
  await repository.push(large.descriptor, streamOf(large.bytes));
  expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH PATCH PUT');
  expect(await isStored(server, large)).toBe(true);
});

test('resumes a chunk that breaks off at the offset of the registry', async () => {
  const { repository, server } = await openTestRepository();
  const fault = { kind: 'reset', afterBytes: 3_000_000 } as const;
  server.inject({ on: { method: 'PATCH' }, after: 1, fault });
  await repository.push(large.descriptor, streamOf(large.bytes));
  expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH GET PATCH PATCH PUT');
  expect(await isStored(server, large)).toBe(true);
});

describe('an upload that the registry abandons when it breaks off, as distribution does,', () => {
  const fault = { kind: 'reset', afterBytes: 3_000_000 } as const;
  const lost = { kind: 'status', status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}' } as const;

  test('is restarted while all bytes are in memory', async () => {
    const { repository, server } = await openTestRepository();
    server.inject({ on: { method: 'PATCH' }, fault });
    server.inject({ on: { method: 'GET' }, fault: lost });
    await repository.push(large.descriptor, streamOf(large.bytes));
    expect(methods(requestLines(server))).toBe('HEAD POST PATCH GET DELETE POST PATCH PATCH PATCH PUT');
    expect(await isStored(server, large)).toBe(true);
  });

  test('is restarted if its source can be read again', async () => {
    const { repository, server } = await openTestRepository();
    server.inject({ on: { method: 'PATCH' }, after: 2, fault });
    server.inject({ on: { method: 'GET' }, fault: lost });
    const source = { [Symbol.asyncIterator]: () => streamOf(large.bytes) };
    await repository.push(large.descriptor, source);
    expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH PATCH GET DELETE POST PATCH PATCH PATCH PUT');
    expect(await isStored(server, large)).toBe(true);
  });

  test('fails with the original error if its source can be read only once', async () => {
    const { repository, server } = await openTestRepository();
    server.inject({ on: { method: 'PATCH' }, after: 2, fault });
    server.inject({ on: { method: 'GET' }, fault: lost });
    await expect(repository.push(large.descriptor, streamOf(large.bytes))).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      request: expect.stringMatching(/^PATCH /),
    });
    expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH PATCH GET DELETE');
  });
});

test('does not read a failed source again', async () => {
  const { repository } = await openTestRepository();
  let opened = 0;
  const failure = new RegistryError('CONNECTION_FAILED', 'the source broke off');
  const source = {
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      opened += 1;
      yield* streamOf(large.bytes.subarray(0, 10_000_000));
      throw failure;
    },
  };
  await expect(repository.push(large.descriptor, source)).rejects.toBe(failure);
  expect(opened).toBe(1);
});

test.each([
  ['a chunk', 'PATCH', large],
  ['the last request of a chunked upload', 'PUT', large],
  ['a monolithic upload', 'PUT', small],
] as const)('recovers if the response to %s is lost', async (_, method, content) => {
  const { repository, server } = await openTestRepository();
  server.inject({ on: { method }, fault: { kind: 'lost-response' } });
  await repository.push(content.descriptor, streamOf(content.bytes));
  expect(await isStored(server, content)).toBe(true);
});

test.each([
  ['a chunk', 'PATCH', large],
  ['a monolithic upload', 'PUT', small],
] as const)('recovers if the token expires during %s', async (_, method, content) => {
  const { repository, server } = await openTestRepository({ auth: 'ecr' });
  server.inject({ on: { method }, fault: { kind: 'expire-token' } });
  await repository.push(content.descriptor, streamOf(content.bytes));
  expect(await isStored(server, content)).toBe(true);
});

test('retries a monolithic upload with a new session', async () => {
  const { repository, server } = await openTestRepository();
  const bytes = noise(1_000_000);
  server.inject({ on: { method: 'PUT' }, times: 2, fault: { kind: 'reset', afterBytes: 500_000 } });
  await repository.push(contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, bytes).descriptor, bytes);
  const uploads = server.requests.filter(({ method }) => method === 'PUT').map(({ path }) => path);
  expect(new Set(uploads).size).toBe(3);
});

test('does not complete an upload of wrong content, and cancels it', async () => {
  const { repository, server } = await openTestRepository();
  const wrong = large.bytes.slice();
  wrong[19_999_999] = (wrong[19_999_999] as number) ^ 1;
  await expect(repository.push(large.descriptor, streamOf(wrong))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  await expect(repository.push(large.descriptor, streamOf(wrong.subarray(1)))).rejects.toMatchObject({
    code: 'SIZE_MISMATCH',
  });
  await expect(repository.push(small.descriptor, wrong.subarray(0, 12))).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
  expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH DELETE HEAD POST PATCH DELETE');
  expect(await isStored(server, large)).toBe(false);
});

test('asks whether a blob is stored if the response has another digest', async () => {
  const { repository, server } = await openTestRepository();
  for (const { descriptor, bytes } of [small, large]) {
    server.clearRequests();
    server.inject({ on: { method: 'PUT' }, fault: { kind: 'wrong-digest-header' } });
    await repository.push(descriptor, bytes);
    expect(server.requests.at(-1)).toMatchObject({ method: 'HEAD', status: 200 });
  }
});

test('rejects with the error of the source, without opening an upload', async () => {
  const { repository, server } = await openTestRepository();
  const failure = new Error('the source has no such blob');
  // biome-ignore lint/correctness/useYield: it fails before it yields anything
  const source = (async function* (): AsyncGenerator<Uint8Array> {
    throw failure;
  })();
  await expect(repository.push(large.descriptor, source)).rejects.toBe(failure);
  expect(methods(requestLines(server))).toBe('HEAD');
});

test('rejects an aborted push with the reason, and cancels the upload', async () => {
  const { repository, server } = await openTestRepository();
  const abort = new AbortController();
  const reason = new Error('aborted');
  async function* source() {
    for await (const chunk of streamOf(large.bytes)) {
      if (server.requests.some(({ method }) => method === 'PATCH')) abort.abort(reason);
      yield chunk;
    }
  }
  await expect(repository.push(large.descriptor, source(), { signal: abort.signal })).rejects.toBe(reason);
  expect(methods(requestLines(server)).endsWith('DELETE')).toBe(true);
});

test('gives up on a registry that repeatedly loses an upload', async () => {
  let resumes = 0;
  const { repository } = await openScriptedRepository(({ method }, response) => {
    if (method === 'HEAD') response.writeHead(404).end();
    else if (method === 'POST') response.writeHead(202, { location: '/upload' }).end();
    else if (method === 'GET') response.writeHead(204, { range: `0-${resumes++ % 2 === 0 ? 99_999 : 0}` }).end();
    else response.writeHead(method === 'PATCH' ? 503 : 204).end();
  });
  const pushed = repository.push(large.descriptor, streamOf(large.bytes));
  await expect(pushed).rejects.toMatchObject({ code: 'SERVER_FAILED' });
  expect(resumes).toBeLessThan(20);
});

/** Returns a stream that can be read again. */
const rereadable = (bytes: Uint8Array) => ({ [Symbol.asyncIterator]: () => streamOf(bytes)[Symbol.asyncIterator]() });

test.each([
  ['small', small, 'PUT'],
  ['large', large, 'PATCH'],
] as const)('uploads a %s blob at most maxAttempts times', async (_, { descriptor, bytes }, method) => {
  const { repository, lines } = await openScriptedRepository(
    (request, response) => {
      if (request.method === 'HEAD') response.writeHead(404).end();
      else if (request.method === 'POST') response.writeHead(202, { location: '/upload' }).end();
      else if (request.method === 'GET') response.writeHead(204, { range: '0-0' }).end();
      else response.writeHead(request.method === 'DELETE' ? 204 : 503).end();
    },
    { retry: { maxAttempts: 3, baseDelay: 1 } },
  );
  await expect(repository.push(descriptor, rereadable(bytes))).rejects.toThrow('(after 3 attempts)');
  expect(lines.filter((line) => line.startsWith(method))).toHaveLength(3);
});

test('restarts an upload if the registry still waits for an aborted request', async () => {
  const { server, reopen } = await openTestRepository();
  const repository = reopen({ stallTimeout: 2000, retry: { baseDelay: 1 } });
  server.inject({ on: { method: 'PATCH' }, after: 1, fault: { kind: 'stall', afterBytes: 1000 } });
  server.inject({ on: { method: 'PATCH' }, after: 2, fault: { kind: 'status', status: 409 } });
  await repository.push(large.descriptor, rereadable(large.bytes));
  expect(await server.blob('team/app', large.descriptor.digest)).toEqual(Buffer.from(large.bytes));
  expect(requestLines(server).filter((line) => line.startsWith('POST'))).toHaveLength(2);
});

test('allows the registry more time to complete a large upload', async () => {
  const large = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, new Uint8Array(2 ** 26));
  const { repository, lines } = await openScriptedRepository(
    ({ method }, response) => {
      if (method === 'HEAD') response.writeHead(404).end();
      else if (method === 'POST') response.writeHead(202, { location: '/upload' }).end();
      else setTimeout(() => response.writeHead(201).end(), 3000);
    },
    { stallTimeout: 1500, retry: { maxAttempts: 1 } },
  );
  await repository.push(large.descriptor, large.bytes);
  expect(methods(lines)).toBe('HEAD POST PUT');
});

test('rejects a wrong huge size without allocating memory for it', async () => {
  const { repository } = await openTestRepository();
  const { descriptor, bytes } = large;
  const pushed = repository.push({ ...descriptor, size: 2 ** 53 - 1 }, streamOf(bytes));
  await expect(pushed).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
});

test('uploads the whole blob at once if the registry rejects chunks or requires larger ones', async () => {
  for (const [headers, expected] of [
    [{}, 'HEAD POST PATCH DELETE POST PUT'],
    [{ 'oci-chunk-min-length': '16777216' }, 'HEAD POST PUT'],
  ] as const) {
    const received: Buffer[] = [];
    const { repository, lines } = await openScriptedRepository((request, response) => {
      const location = '/v2/team/app/blobs/uploads/1?_state=a%2Fb';
      if (request.method === 'HEAD') response.writeHead(404).end();
      else if (request.method === 'POST') response.writeHead(202, { location, ...headers }).end();
      else if (request.method === 'PATCH') response.writeHead(405).end();
      else if (request.method === 'PUT') {
        received.push(request.body);
        response.writeHead(201).end();
      } else response.writeHead(204).end();
    });
    await repository.push(large.descriptor, streamOf(large.bytes));
    expect(methods(lines)).toBe(expected);
    const digest = encodeURIComponent(large.descriptor.digest);
    expect(lines.at(-1)).toBe(`PUT /v2/team/app/blobs/uploads/1?_state=a%2Fb&digest=${digest}`);
    expect(received.map((body) => body.equals(large.bytes))).toEqual([true]);
  }
});

test('sends a blob to an upload on another origin without credentials', async () => {
  const { server: storage } = await openTestRepository();
  const sent: (string | undefined)[] = [];
  const { repository, host } = await openScriptedRepository(
    (request, response) => {
      if (request.method === 'HEAD') response.writeHead(404).end();
      else if (request.method === 'POST')
        response.writeHead(202, { location: `${storage.url}/v2/a/blobs/uploads/1` }).end();
      sent.push(request.headers.authorization);
    },
    { credentials: async () => ({ kind: 'password', username: 'name', password: 'secret' }) },
  );
  await expect(repository.push(small.descriptor, small.bytes)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(host).not.toBe(storage.host);
  expect(storage.requests.map(({ method, authorization }) => [method, authorization])).toContainEqual(['PUT', false]);
});

test.each(['http://169.254.169.254/upload', 'ftp://127.0.0.1/upload', 'http://name:word@127.0.0.1/upload'])(
  'sends no upload to %s',
  async (location) => {
    const { repository } = await openScriptedRepository((request, response) => {
      response.writeHead(request.method === 'HEAD' ? 404 : 202, { location }).end();
    });
    await expect(repository.push(small.descriptor, small.bytes)).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
  },
);

test.each([undefined, 'http://['])('rejects an upload whose Location is %s', async (location) => {
  const { repository } = await openScriptedRepository((request, response) => {
    response.writeHead(request.method === 'HEAD' ? 404 : 202, location === undefined ? {} : { location }).end();
  });
  await expect(repository.push(small.descriptor, small.bytes)).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
});

test('does not reveal the signature of an upload in errors', async () => {
  const { repository } = await openScriptedRepository((request, response) => {
    const location = '/v2/team/app/blobs/uploads/1?_state=SECRET';
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'POST') response.writeHead(202, { location }).end();
    else
      respondJson(
        response,
        { errors: [{ code: 'BLOB_UPLOAD_INVALID', message: `no: http://${request.headers.host}${request.url}` }] },
        {},
        400,
      );
  });
  const failure = await repository.push(small.descriptor, small.bytes).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'UPLOAD_REFUSED', refusals: [{ code: 'BLOB_UPLOAD_INVALID' }] });
  expect(inspect(failure, { depth: 9 })).not.toContain('SECRET');
});
