import { expect, test } from 'vitest';
import { catchError } from '../fixtures/catch-error.ts';
import { serve, serveRaw, serveTls } from './fixtures/test-server.ts';
import { detectScheme } from './scheme.ts';

test('plainHttp overrides detection', async () => {
  expect(await detectScheme('registry.test', true)).toBe('http');
  expect(await detectScheme('localhost:1', false)).toBe('https');
});

test('other hosts use https without detection', async () => {
  expect(await detectScheme('registry.test', undefined)).toBe('https');
  expect(await detectScheme('10.0.0.1:5000', undefined)).toBe('https');
});

test('a loopback host uses https if it answers a TLS handshake, with any certificate', async () => {
  let requests = 0;
  const server = await serveTls(() => void requests++);
  expect(await detectScheme(server.host, undefined)).toBe('https');
  expect(await detectScheme(`localhost:${server.port}`, undefined)).toBe('https');
  expect(requests).toBe(0);
});

test('a loopback host uses http if the TLS handshake fails', async () => {
  const server = await serve(() => undefined);
  expect(await detectScheme(server.host, undefined)).toBe('http');
  const closing = await serveRaw((socket) => socket.end());
  expect(await detectScheme(closing.host, undefined)).toBe('http');
  const resetting = await serveRaw((socket) => socket.resetAndDestroy());
  expect(await detectScheme(resetting.host, undefined)).toBe('http');
});

test('rejects if nothing listens', async () => {
  expect(await catchError(detectScheme('127.0.0.1:1', undefined))).toMatchObject({ code: 'CONNECTION_FAILED' });
});
