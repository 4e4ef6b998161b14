import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/start-for-test.ts';
import { errorOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

const digest = `sha256:${'0'.repeat(64)}`;

/** Sends a path unchanged: a URL would resolve its dots. */
async function statusOf(registry: TestRegistry, path: string): Promise<number> {
  const socket = connect(Number(new URL(registry.url).port), '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
}

test('/v2/ responds with 200', async () => {
  const registry = await startForTest();
  expect((await fetch(`${registry.url}/v2/`)).status).toBe(200);
  expect((await fetch(`${registry.url}/v2/`, { method: 'POST' })).status).toBe(405);
});

test.each(['/', '/v1/', '/v2/app', '/v2/app/blobs/', '/v2//tags/list'])(
  'rejects an unknown endpoint: %s',
  async (path) => {
    const registry = await startForTest();
    expect((await fetch(`${registry.url}${path}`)).status).toBe(404);
  },
);

test.each(['App', 'a__-b', '-a', 'a/-b', 'a//b', 'a b', `${'a/'.repeat(128)}a`])(
  'rejects the repository name %s',
  async (name) => {
    const registry = await startForTest();
    const response = await fetch(`${registry.url}/v2/${encodeURI(name)}/tags/list`);
    expect(await errorOf(response)).toEqual([400, 'NAME_INVALID']);
  },
);

test.each(['/v2/../tags/list', '/v2/a/../b/tags/list', '/v2/a%2f..%2fb/tags/list', '/v2/%zz/tags/list'])(
  'rejects the path %s',
  async (path) => {
    expect(await statusOf(await startForTest(), path)).toBe(400);
  },
);

test.each(['.v1', '-v1', 'a'.repeat(129), 'a+b'])('rejects the tag %s', async (tag) => {
  const registry = await startForTest();
  await registry.putBlob('app', new Uint8Array());
  expect(await errorOf(await fetch(`${registry.url}/v2/app/manifests/${tag}`))).toEqual([400, 'TAG_INVALID']);
});

test('rejects an unsupported method and lists the supported ones', async () => {
  const registry = await startForTest();
  const response = await fetch(`${registry.url}/v2/app/blobs/${digest}`, { method: 'PUT' });
  expect(response.headers.get('allow')).toBe('GET, HEAD, DELETE');
  expect(await errorOf(response)).toEqual([405, 'UNSUPPORTED']);
});

test('accepts a percent-encoded digest', async () => {
  const registry = await startForTest();
  const blob = await registry.putBlob('app', Buffer.from('x'));
  expect((await fetch(`${registry.url}/v2/app/blobs/${blob.replace(':', '%3A')}`)).status).toBe(200);
});
