import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/running.ts';
import { refusalOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

const digest = `sha256:${'0'.repeat(64)}`;

/** Sends a path as it is: a URL would be cleaned of its dots first. */
async function statusOf(registry: TestRegistry, path: string): Promise<number> {
  const socket = connect(Number(new URL(registry.url).port), '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
}

test('/v2/ says that the API is here', async () => {
  const registry = await startForTest();
  expect((await fetch(`${registry.url}/v2/`)).status).toBe(200);
  expect((await fetch(`${registry.url}/v2/`, { method: 'POST' })).status).toBe(405);
});

test.each(['/', '/v1/', '/v2/app', '/v2/_catalog', '/v2/app/blobs/', '/v2//tags/list'])(
  'no end point: %s',
  async (path) => {
    const registry = await startForTest();
    expect((await fetch(`${registry.url}${path}`)).status).toBe(404);
  },
);

test.each(['App', 'a__-b', '-a', 'a/-b', 'a//b', 'a b', `${'a/'.repeat(128)}a`])(
  'no name of a repository: %s',
  async (name) => {
    const registry = await startForTest();
    const answer = await fetch(`${registry.url}/v2/${encodeURI(name)}/tags/list`);
    expect(await refusalOf(answer)).toEqual([400, 'NAME_INVALID']);
  },
);

test.each(['/v2/../tags/list', '/v2/a/../b/tags/list', '/v2/a%2f..%2fb/tags/list', '/v2/%zz/tags/list'])(
  'no name of a repository, but a path: %s',
  async (path) => {
    expect(await statusOf(await startForTest(), path)).toBe(400);
  },
);

test.each(['.v1', '-v1', 'a'.repeat(129), 'a+b'])('no tag: %s', async (tag) => {
  const registry = await startForTest();
  await registry.putBlob('app', new Uint8Array());
  expect(await refusalOf(await fetch(`${registry.url}/v2/app/manifests/${tag}`))).toEqual([400, 'TAG_INVALID']);
});

test('a method that an end point does not know is refused with those that it does', async () => {
  const registry = await startForTest();
  const answer = await fetch(`${registry.url}/v2/app/blobs/${digest}`, { method: 'PUT' });
  expect(answer.headers.get('allow')).toBe('GET, HEAD, DELETE');
  expect(await refusalOf(answer)).toEqual([405, 'UNSUPPORTED']);
});

test('a digest may be written with an escape', async () => {
  const registry = await startForTest();
  const blob = await registry.putBlob('app', Buffer.from('x'));
  expect((await fetch(`${registry.url}/v2/app/blobs/${blob.replace(':', '%3A')}`)).status).toBe(200);
});
