import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { catchError } from '../fixtures/catch-error.ts';
import { openRegistry } from '../registry.ts';
import { TEST_IDENTITY } from './fixtures/test-server.ts';

const { cert, key } = TEST_IDENTITY;
const DIGEST = `sha256:${'0'.repeat(64)}`;
const BLOB = { mediaType: 'application/octet-stream', digest: DIGEST, size: 4 };

/** Starts an HTTPS server that asks for a client certificate. Records whether each request came with one. */
async function serveMutualTls(isRequired: boolean, location?: string) {
  const presented: boolean[] = [];
  const tls = { ...TEST_IDENTITY, ca: cert, requestCert: true, rejectUnauthorized: isRequired };
  const server = createServer(tls, (request, response) => {
    presented.push(Object.keys((request.socket as TLSSocket).getPeerCertificate() ?? {}).length > 0);
    if (location === undefined) response.end('blob');
    else response.writeHead(307, { location }).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `localhost:${(server.address() as AddressInfo).port}`, presented };
}

function read(host: string, options: { readonly cert?: string; readonly key?: string }): Promise<Uint8Array> {
  const credentials = async () => undefined;
  const registry = openRegistry(host, { ca: cert, credentials, env: {}, retry: { maxAttempts: 1 }, ...options });
  onTestFinished(() => registry.close());
  return registry.repository('app').fetchRange(BLOB, { offset: 0, length: 4 });
}

test('presents a client certificate to a registry that requires one', async () => {
  const { host, presented } = await serveMutualTls(true);
  expect(Buffer.from(await read(host, { cert, key })).toString()).toBe('blob');
  expect(presented).toEqual([true]);
});

test('reports that a registry requires a client certificate', async () => {
  const { host, presented } = await serveMutualTls(true);
  const error = await catchError(read(host, {}));
  expect(error.code).toBe('TLS_FAILED');
  expect(error.message).toMatch(/may require a client certificate/);
  expect(presented).toEqual([]);
});

test('does not present the client certificate to the storage that a registry redirects to', async () => {
  const storage = await serveMutualTls(false);
  const registry = await serveMutualTls(true, `https://${storage.host}/blob`);
  expect(Buffer.from(await read(registry.host, { cert, key })).toString()).toBe('blob');
  expect([registry.presented, storage.presented]).toEqual([[true], [false]]);
});

test.each([
  ['a certificate without its key', { cert }],
  ['a key without a certificate', { key }],
  ['text', { cert: 'text', key }],
  ['exchanged values', { cert: key, key: cert }],
])('rejects %s', (_title, options) => {
  expect(() => openRegistry('registry.test', options)).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('cert and key') }),
  );
});
