import { inspect } from 'node:util';
import { MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { type Content, contentOf, noise, streamOf } from '@soci/test-content';
import type { TestRegistry } from '@soci/test-registry';
import { describe, expect, test } from 'vitest';
import { RegistryError } from '../errors.ts';
import { openTestRepository, requestLines } from '../fixtures/opened-repository.ts';
import { answerJson, openScriptedRepository } from '../fixtures/scripted-registry.ts';

const small = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, 'a small blob');
const large = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, noise(20_000_000));

/** Not compared by the test runner, which would print millions of bytes. */
async function isStored(server: TestRegistry, { descriptor, bytes }: Content): Promise<boolean> {
  const stored = await server.blob('team/app', descriptor.digest);
  return stored !== undefined && Buffer.compare(stored, bytes) === 0;
}

const methods = (lines: readonly string[]) => lines.map((line) => line.split(' ')[0]).join(' ');

test('bytes in memory are asked for, then go in one piece', async () => {
  const { repository, server } = await openTestRepository({ absoluteLocations: true });
  await repository.push(small.descriptor, small.bytes);
  expect(methods(requestLines(server))).toBe('HEAD POST PUT');
  expect(await isStored(server, small)).toBe(true);
});

test('what is there is not sent again, and what was found missing is not asked for again', async () => {
  const { repository, server } = await openTestRepository();
  expect(await repository.exists(small.descriptor)).toBe(false);
  await repository.push(small.descriptor, small.bytes);
  expect(methods(requestLines(server))).toBe('HEAD POST PUT');
  server.clearRequests();
  await repository.push(small.descriptor, small.bytes);
  expect(methods(requestLines(server))).toBe('HEAD');
});

test('a registry that takes a blob in the first request is sent it there', async () => {
  const { repository, server } = await openTestRepository({ singlePost: true });
  await repository.push(small.descriptor, small.bytes);
  expect(methods(requestLines(server))).toBe('HEAD POST');
  expect(await isStored(server, small)).toBe(true);
  server.clearRequests();
  const medium = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, noise(300_000));
  await repository.push(medium.descriptor, medium.bytes);
  expect(methods(requestLines(server))).toBe('HEAD POST PUT'); // too much to send in vain
});

test.each([202, 405])('a registry that answers a whole blob with %i is not sent another one so', async (status) => {
  const { repository, lines } = await openScriptedRepository((request, response) => {
    const isWhole = request.url?.includes('?digest=') === true;
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'PUT') response.writeHead(201).end();
    else response.writeHead(isWhole ? status : 202, { location: '/v2/team/app/blobs/uploads/1' }).end();
  });
  const digest = encodeURIComponent(small.descriptor.digest);
  for (const _ of [1, 2]) await repository.push(small.descriptor, small.bytes);
  const posts = lines.filter((line) => line.startsWith('POST')).map((line) => line.split('/').at(-1));
  expect(posts).toEqual(status === 202 ? [`?digest=${digest}`, ''] : [`?digest=${digest}`, '', '']);
  expect(lines.filter((line) => line.startsWith('PUT'))).toHaveLength(2);
});

test('a small stream goes in one piece too', async () => {
  const { repository, server } = await openTestRepository();
  await repository.push(small.descriptor, streamOf(small.bytes, 5));
  expect(methods(requestLines(server))).toBe('HEAD POST PUT');
});

test.each([{ ecr: false }, { ecr: true }])('a large stream goes in chunks of 8 MiB (ecr: $ecr)', async ({ ecr }) => {
  const { repository, server } = await openTestRepository({ ecr, autoCreate: true });
  await repository.push(large.descriptor, streamOf(large.bytes));
  expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH PATCH PUT');
  expect(await isStored(server, large)).toBe(true);
});

test('a chunk that breaks off goes on where the registry has it', async () => {
  const { repository, server } = await openTestRepository();
  const fault = { kind: 'reset', afterBytes: 3_000_000 } as const;
  server.inject({ on: { method: 'PATCH' }, after: 1, fault });
  await repository.push(large.descriptor, streamOf(large.bytes));
  expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH GET PATCH PATCH PUT');
  expect(await isStored(server, large)).toBe(true);
});

describe('an upload that the registry gives up where it breaks off, as distribution does,', () => {
  const fault = { kind: 'reset', afterBytes: 3_000_000 } as const;
  const gone = { kind: 'status', status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}' } as const;

  test('begins anew while all of it is in memory', async () => {
    const { repository, server } = await openTestRepository();
    server.inject({ on: { method: 'PATCH' }, fault });
    server.inject({ on: { method: 'GET' }, fault: gone });
    await repository.push(large.descriptor, streamOf(large.bytes));
    expect(methods(requestLines(server))).toBe('HEAD POST PATCH GET DELETE POST PATCH PATCH PATCH PUT');
    expect(await isStored(server, large)).toBe(true);
  });

  test('begins anew where its source can be read anew', async () => {
    const { repository, server } = await openTestRepository();
    server.inject({ on: { method: 'PATCH' }, after: 2, fault });
    server.inject({ on: { method: 'GET' }, fault: gone });
    const source = { [Symbol.asyncIterator]: () => streamOf(large.bytes) };
    await repository.push(large.descriptor, source);
    expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH PATCH GET DELETE POST PATCH PATCH PATCH PUT');
    expect(await isStored(server, large)).toBe(true);
  });

  test('fails with what broke it where its source can be read only once', async () => {
    const { repository, server } = await openTestRepository();
    server.inject({ on: { method: 'PATCH' }, after: 2, fault });
    server.inject({ on: { method: 'GET' }, fault: gone });
    await expect(repository.push(large.descriptor, streamOf(large.bytes))).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      request: expect.stringMatching(/^PATCH /),
    });
    expect(methods(requestLines(server))).toBe('HEAD POST PATCH PATCH PATCH GET DELETE');
  });
});

test('a source that fails is not read anew', async () => {
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
  ['the last request of chunks', 'PUT', large],
  ['a blob in one piece', 'PUT', small],
] as const)('the answer to %s may be lost', async (_, method, content) => {
  const { repository, server } = await openTestRepository();
  server.inject({ on: { method }, fault: { kind: 'lost-answer' } });
  await repository.push(content.descriptor, streamOf(content.bytes));
  expect(await isStored(server, content)).toBe(true);
});

test.each([
  ['a chunk', 'PATCH', large],
  ['a blob in one piece', 'PUT', small],
] as const)('the token may end with %s', async (_, method, content) => {
  const { repository, server } = await openTestRepository({ auth: 'ecr' });
  server.inject({ on: { method }, fault: { kind: 'expire-token' } });
  await repository.push(content.descriptor, streamOf(content.bytes));
  expect(await isStored(server, content)).toBe(true);
});

test('a registry that is sent a blob twice in one upload is not: what breaks off begins anew', async () => {
  const { repository, server } = await openTestRepository();
  const bytes = noise(1_000_000);
  server.inject({ on: { method: 'PUT' }, times: 2, fault: { kind: 'reset', afterBytes: 500_000 } });
  await repository.push(contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, bytes).descriptor, bytes);
  const uploads = server.requests.filter(({ method }) => method === 'PUT').map(({ path }) => path);
  expect(new Set(uploads).size).toBe(3);
});

test('a stream that is not what it should be never becomes a blob, and its upload is given up', async () => {
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

test('what the source says of its failure is what the caller hears, and nothing was begun', async () => {
  const { repository, server } = await openTestRepository();
  const failure = new Error('the source has no such blob');
  // biome-ignore lint/correctness/useYield: it fails before it has anything to give
  const source = (async function* (): AsyncGenerator<Uint8Array> {
    throw failure;
  })();
  await expect(repository.push(large.descriptor, source)).rejects.toBe(failure);
  expect(methods(requestLines(server))).toBe('HEAD');
});

test('an aborted push ends with the reason, and gives the upload up', async () => {
  const { repository, server } = await openTestRepository();
  const abort = new AbortController();
  const reason = new Error('enough');
  async function* source() {
    for await (const chunk of streamOf(large.bytes)) {
      if (server.requests.some(({ method }) => method === 'PATCH')) abort.abort(reason);
      yield chunk;
    }
  }
  await expect(repository.push(large.descriptor, source(), { signal: abort.signal })).rejects.toBe(reason);
  expect(methods(requestLines(server)).endsWith('DELETE')).toBe(true);
});

test('a registry that loses what it had again and again is given up', async () => {
  let asked = 0;
  const { repository } = await openScriptedRepository(({ method }, response) => {
    if (method === 'HEAD') response.writeHead(404).end();
    else if (method === 'POST') response.writeHead(202, { location: '/upload' }).end();
    else if (method === 'GET') response.writeHead(204, { range: `0-${asked++ % 2 === 0 ? 99_999 : 0}` }).end();
    else response.writeHead(method === 'PATCH' ? 503 : 204).end();
  });
  const pushed = repository.push(large.descriptor, streamOf(large.bytes));
  await expect(pushed).rejects.toMatchObject({ code: 'SERVER_FAILED' });
  expect(asked).toBeLessThan(20);
});

/** A stream that can be read again, as a copy's is. */
const again = (bytes: Uint8Array) => ({ [Symbol.asyncIterator]: () => streamOf(bytes)[Symbol.asyncIterator]() });

test.each([
  ['small', small, 'PUT'],
  ['large', large, 'PATCH'],
] as const)('a %s blob is sent as often as the policy says, and no more', async (_, { descriptor, bytes }, method) => {
  const { repository, lines } = await openScriptedRepository(
    (request, response) => {
      if (request.method === 'HEAD') response.writeHead(404).end();
      else if (request.method === 'POST') response.writeHead(202, { location: '/upload' }).end();
      else if (request.method === 'GET') response.writeHead(204, { range: '0-0' }).end();
      else response.writeHead(request.method === 'DELETE' ? 204 : 503).end();
    },
    { retry: { maxAttempts: 3, baseDelay: 1 } },
  );
  await expect(repository.push(descriptor, again(bytes))).rejects.toThrow('(tried 3 times)');
  expect(lines.filter((line) => line.startsWith(method))).toHaveLength(3);
});

test('a registry that still waits for a request that was given up is sent all of it anew', async () => {
  const { server, reopen } = await openTestRepository();
  const repository = reopen({ stallTimeout: 500, retry: { baseDelay: 1 } });
  server.inject({ on: { method: 'PATCH' }, after: 1, fault: { kind: 'stall', afterBytes: 1000 } });
  server.inject({ on: { method: 'PATCH' }, after: 2, fault: { kind: 'status', status: 409 } });
  await repository.push(large.descriptor, again(large.bytes));
  expect(await server.blob('team/app', large.descriptor.digest)).toEqual(Buffer.from(large.bytes));
  expect(requestLines(server).filter((line) => line.startsWith('POST'))).toHaveLength(2);
});

test('a registry may take its time to put a large upload together', async () => {
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

test('a size that no blob has takes no memory, and is found out', async () => {
  const { repository } = await openTestRepository();
  const { descriptor, bytes } = large;
  const pushed = repository.push({ ...descriptor, size: 2 ** 53 - 1 }, streamOf(bytes));
  await expect(pushed).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
});

test('a registry that takes no chunks, or wants larger ones, is sent the whole', async () => {
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

test('an upload that lies on another origin gets the blob, and no credentials', async () => {
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
  'an upload is not sent to %s',
  async (location) => {
    const { repository } = await openScriptedRepository((request, response) => {
      response.writeHead(request.method === 'HEAD' ? 404 : 202, { location }).end();
    });
    await expect(repository.push(small.descriptor, small.bytes)).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
  },
);

test.each([undefined, 'http://['])('an answer whose Location is %s opens no upload', async (location) => {
  const { repository } = await openScriptedRepository((request, response) => {
    response.writeHead(request.method === 'HEAD' ? 404 : 202, location === undefined ? {} : { location }).end();
  });
  await expect(repository.push(small.descriptor, small.bytes)).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
});

test('what signs an upload does not get into an error', async () => {
  const { repository } = await openScriptedRepository((request, response) => {
    const location = '/v2/team/app/blobs/uploads/1?_state=SECRET';
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'POST') response.writeHead(202, { location }).end();
    else
      answerJson(
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
