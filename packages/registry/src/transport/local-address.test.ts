import { describe, expect, onTestFinished, test } from 'vitest';
import { catchError } from '../fixtures/catch-error.ts';
import { resolveTo } from './fixtures/resolve-to.ts';
import { readText, serve } from './fixtures/test-server.ts';
import { PooledHttpSender } from './http-sender.ts';
import { isLocalHost, isLoopbackHost } from './local-address.ts';

test.each([
  'localhost',
  'LOCALHOST:5000',
  'localhost.',
  'a.localhost',
  '127.0.0.1:5000',
  '127.9.9.9',
  '127.1',
  '0x7f.1',
  '2130706433',
  '[::1]:5000',
  '[0:0:0:0:0:0:0:1]',
])('%s is a loopback host', (host) => {
  expect([isLoopbackHost(host), isLocalHost(host)]).toEqual([true, true]);
});

test.each([
  '0.0.0.0',
  '0',
  '[::]', // unspecified
  '169.254.169.254',
  '169.254.170.2',
  '0xa9fea9fe',
  '[fe80::1]',
  '[febf::1]', // link-local
  '[fd00:ec2::254]', // metadata
  '[::ffff:127.0.0.1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[::ffff:0:0]',
  '[::127.0.0.1]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b:1::169.254.169.254]',
  '[64:ff9b:1:a9fe:a9:fe00::]',
  '[2002:a9fe:a9fe::]',
  '[2002:a9fe:a9fe::1]',
  '[2002:7f00:1::1]',
  '168.63.129.16', // Azure
  '[::ffff:168.63.129.16]',
  '100.100.100.200', // Alibaba Cloud
  '[2002:6464:64c8::]',
  '192.0.0.192',
  '[fd00:c1::a9fe:a9fe]', // Oracle Cloud
  '[fd20:ce::254]',
  'metadata.google.internal',
  'METADATA.google.internal.:80', // Google Cloud
  'metadata',
  'instance-data', // EC2
])('%s is a loopback, link-local or metadata address', (host) => {
  expect(isLocalHost(host)).toBe(true);
});

test.each([
  'registry.example',
  'localhost.example',
  'notlocalhost',
  '10.0.0.1',
  '192.168.1.1:5000',
  '172.16.0.1',
  '[2001:db8::1]',
  '[fd00::1]',
  '[::ffff:10.0.0.1]',
  '[2002:a00:1::1]',
  '[64:ff9b::10.0.0.1]',
  '[64:ff9b:2::1]',
  '168.63.129.17',
  '100.100.100.201',
  '192.0.0.191',
  'metadata.example',
  '128.0.0.1',
  '169.255.0.1',
  '',
  'no host',
])('%j is neither', (host) => {
  expect([isLoopbackHost(host), isLocalHost(host)]).toEqual([false, false]);
});

describe('a URL chosen by a server', () => {
  const open = (...results: (string | string[])[]) => {
    const sender = new PooledHttpSender({ env: {}, lookup: resolveTo(...results) });
    onTestFinished(() => sender.close());
    return (url: URL, isUntrusted: boolean) => sender.send({ method: 'GET', url, headers: {}, isUntrusted });
  };

  test.each([
    ['an address', ['http://127.0.0.1/', 'http://[::ffff:a9fe:a9fe]/latest/meta-data', 'http://0/']],
    ['a name', ['http://localhost/', 'http://x.localhost/']],
  ])('is rejected if it is %s of this host', async (_name, urls) => {
    for (const url of urls)
      expect(await catchError(open()(new URL(url), true))).toMatchObject({ code: 'REDIRECT_REFUSED' });
  });

  test.each([
    '127.0.0.1',
    '::1',
    '169.254.169.254',
    'fe80::1',
    '::ffff:127.0.0.1',
    '0.0.0.0',
    '168.63.129.16',
    '100.100.100.200',
    'fd20:ce::254',
    '64:ff9b:1::1',
    '2002:7f00:1::1',
    ['192.0.2.1', '127.0.0.1'],
  ])('is rejected if its name resolves to %s', async (address) => {
    const error = await catchError(open(address)(new URL('http://storage.test:1/blob?sig=secret'), true));
    expect(error).toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(error.message).toContain('storage.test');
    expect(error.message).not.toContain('secret');
  });

  test('does not reuse a connection that was opened without the check', async () => {
    const server = await serve((_request, response) => response.end('private'));
    const get = open('127.0.0.1');
    const url = new URL(`http://storage.test:${server.port}/`);
    expect(await readText(await get(url, false))).toBe('private');
    expect(await catchError(get(url, true))).toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(server.connections).toBe(1);
  });
});
