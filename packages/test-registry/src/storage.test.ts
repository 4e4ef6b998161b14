import { expect, test } from 'vitest';
import { startForTest } from './fixtures/start-for-test.ts';
import type { TestRegistry } from './test-registry.ts';

const content = Buffer.from('0123456789');

/** Returns the signed URL that a blob is redirected to. */
async function redirectOf(registry: TestRegistry, headers: Record<string, string> = {}): Promise<string> {
  const digest = await registry.putBlob('app', content);
  const response = await fetch(`${registry.url}/v2/app/blobs/${digest}`, { redirect: 'manual', headers });
  expect(response.status).toBe(307);
  return response.headers.get('location') as string;
}

const codeOf = async (response: Response) => [response.status, /<Code>(\w+)</.exec(await response.text())?.[1]];

test('redirects a blob to another port', async () => {
  const registry = await startForTest({ redirects: true });
  const location = await redirectOf(registry);
  expect(new URL(location).origin).toBe(registry.storageUrl);
  expect(registry.storageUrl).not.toBe(registry.url);
  expect(await (await fetch(location)).text()).toBe('0123456789');
  expect(registry.requests.map(({ port, status }) => [port, status])).toEqual([
    ['registry', 307],
    ['storage', 200],
  ]);
});

test('serves ranges', async () => {
  const registry = await startForTest({ redirects: true });
  const location = await redirectOf(registry, { range: 'bytes=2-4' });
  const response = await fetch(location, { headers: { range: 'bytes=2-4' } });
  expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
    206,
    '234',
    'bytes 2-4/10',
  ]);
  expect(await codeOf(await fetch(location, { headers: { range: 'bytes=10-' } }))).toEqual([416, 'InvalidRange']);
});

test('does not redirect HEAD', async () => {
  const registry = await startForTest({ redirects: true });
  const digest = await registry.putBlob('app', content);
  const head = await fetch(`${registry.url}/v2/app/blobs/${digest}`, { method: 'HEAD', redirect: 'manual' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
});

test('rejects requests with Authorization', async () => {
  const registry = await startForTest({ redirects: true });
  const headers = { authorization: 'Basic QVdTOnRva2Vu' };
  expect(await codeOf(await fetch(await redirectOf(registry), { headers }))).toEqual([400, 'InvalidArgument']);
  expect(registry.requests.at(-1)).toMatchObject({ port: 'storage', authorization: true });
});

test('a signed URL states its expiry like those of S3', async () => {
  const registry = await startForTest({ redirects: true, urlLifetime: 90_500 });
  const { searchParams } = new URL(await redirectOf(registry));
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(searchParams.get('X-Amz-Date') ?? '') ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  expect(Math.abs(Date.now() - signedAt)).toBeLessThan(60_000);
  expect(searchParams.get('X-Amz-Expires')).toBe('91');
});

test('a signed URL expires after its lifetime', async () => {
  const registry = await startForTest({ redirects: true, urlLifetime: 20 });
  const location = await redirectOf(registry);
  await expect.poll(async () => codeOf(await fetch(location))).toEqual([403, 'AccessDenied']);
});

test('expireUrls expires old URLs, but not new ones', async () => {
  const registry = await startForTest({ redirects: true });
  const old = await redirectOf(registry);
  registry.expireUrls();
  expect(await codeOf(await fetch(old))).toEqual([403, 'AccessDenied']);
  expect((await fetch(await redirectOf(registry))).status).toBe(200);
});

test('the fault expire-urls applies to its own request', async () => {
  const registry = await startForTest({ redirects: true });
  const location = await redirectOf(registry);
  registry.inject({ on: { port: 'storage' }, after: 1, fault: { kind: 'expire-urls' } });
  expect((await fetch(location)).status).toBe(200);
  expect((await fetch(location)).status).toBe(403);
});

test('rejects a modified URL', async () => {
  const registry = await startForTest({ redirects: true });
  const location = new URL(await redirectOf(registry));
  const changed = new URL(location);
  changed.searchParams.set('X-Amz-Expires', '999999');
  expect(await codeOf(await fetch(changed))).toEqual([403, 'SignatureDoesNotMatch']);
  expect(await codeOf(await fetch(location.origin + location.pathname))).toEqual([403, 'AccessDenied']);
  expect((await fetch(location, { method: 'HEAD' })).status).toBe(403);
});
