import { expect, test } from 'vitest';
import { caught } from '../fixtures/caught.ts';
import { serve, serveRaw, serveTls } from './fixtures/test-server.ts';
import { detectScheme } from './scheme.ts';

test('the user has the last word', async () => {
  expect(await detectScheme('registry.test', true)).toBe('http');
  expect(await detectScheme('localhost:1', false)).toBe('https');
});

test('elsewhere it is https, and nobody is asked', async () => {
  expect(await detectScheme('registry.test', undefined)).toBe('https');
  expect(await detectScheme('10.0.0.1:5000', undefined)).toBe('https');
});

test('on this machine it is https where that is answered, whatever the certificate, and no request is made', async () => {
  let requests = 0;
  const server = await serveTls(() => void requests++);
  expect(await detectScheme(server.host, undefined)).toBe('https');
  expect(await detectScheme(`localhost:${server.port}`, undefined)).toBe('https');
  expect(requests).toBe(0);
});

test('on this machine it is http where a TLS handshake fails', async () => {
  const server = await serve(() => undefined);
  expect(await detectScheme(server.host, undefined)).toBe('http');
  const rude = await serveRaw((socket) => socket.end());
  expect(await detectScheme(rude.host, undefined)).toBe('http');
  const resetting = await serveRaw((socket) => socket.resetAndDestroy());
  expect(await detectScheme(resetting.host, undefined)).toBe('http');
});

test('where nothing listens, nothing is decided', async () => {
  expect(await caught(detectScheme('127.0.0.1:1', undefined))).toMatchObject({ code: 'CONNECTION_FAILED' });
});
