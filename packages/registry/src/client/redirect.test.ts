import { describe, expect, test } from 'vitest';
import type { RegistryError } from '../errors.ts';
import type { HttpMethod } from '../transport/http-message.ts';
import { isRedirect, RedirectChain } from './redirect.ts';

function follow(registry: string, ...locations: (string | undefined)[]): RedirectChain {
  const chain = new RedirectChain('GET', new URL('/v2/app/blobs/x', registry), new URL(registry));
  for (const location of locations) chain.follow(307, location);
  return chain;
}

function rejection(registry: string, ...locations: (string | undefined)[]): RegistryError {
  try {
    follow(registry, ...locations);
  } catch (error) {
    return error as RegistryError;
  }
  throw new Error(`followed to ${locations.at(-1)}`);
}

describe('isSameOrigin', () => {
  test.each([
    ['/v2/other', true],
    ['https://registry.test/v2/other', true],
    ['https://REGISTRY.test:443/v2/other', true],
    ['https://registry.test:444/', false],
    ['https://storage.registry.test/', false],
    ['https://registry.test.evil.test/', false],
    ['//storage.test/', false],
  ])('after a redirect to %s is %s', (location, isSameOrigin) => {
    expect(follow('https://registry.test', location).isSameOrigin).toBe(isSameOrigin);
  });

  test('stays false if another host redirects back to the registry', () => {
    const chain = follow('https://registry.test', 'https://storage.test/', 'https://registry.test/v2/secret');
    expect([chain.url.origin, chain.isSameOrigin]).toEqual(['https://registry.test', false]);
  });
});

describe('rejects a redirect', () => {
  test.each([
    ['http://storage.test/blob?sig=secret', 'plain HTTP'],
    ['http://registry.test/v2/', 'plain HTTP'],
    ['ftp://storage.test/', 'neither https nor http'],
    ['file:///etc/passwd', 'neither https nor http'],
    ['javascript:alert(1)', 'neither https nor http'],
    ['https://user:secret@storage.test/', 'credentials'],
    ['https://127.0.0.1/', 'loopback'],
    ['https://localhost:8443/', 'loopback'],
    ['https://[::1]/', 'loopback'],
    ['https://[::ffff:7f00:1]/', 'loopback'],
    ['https://0.0.0.0/', 'loopback'],
    ['https://169.254.169.254/latest/meta-data/', 'metadata address'],
    ['https://2852039166/latest/meta-data/', 'metadata address'],
    ['https://[fe80::1]/', 'link-local'],
    ['https://[fd00:ec2::254]/', 'metadata address'],
    ['https://168.63.129.16/machine', 'metadata address'],
    ['https://metadata.google.internal/computeMetadata/v1/', 'metadata address'],
    ['https://[64:ff9b:1::a9fe:a9fe]/', 'metadata address'],
    ['https://[2002:a9fe:a9fe::1]/', 'metadata address'],
    ['/v2/app/blobs/x', 'loop'],
    ['/v2/app/blobs/x#again', 'loop'],
  ])('from https to %s', (location, reason) => {
    const error = rejection('https://registry.test', location);
    expect(error).toMatchObject({ code: 'REDIRECT_REFUSED', request: 'GET https://registry.test/v2/app/blobs/x' });
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain('secret');
  });

  test.each(['http://127.0.0.1/', 'http://169.254.169.254/latest', 'http://localhost/'])(
    'from plain http to %s',
    (location) => {
      expect(rejection('http://registry.test:5000', location).code).toBe('REDIRECT_REFUSED');
    },
  );

  test.each(['http://169.254.169.254/latest', 'http://0.0.0.0/', 'http://[fe80::1]/'])(
    'from loopback to %s',
    (location) => {
      expect(rejection('http://localhost:5000', location).code).toBe('REDIRECT_REFUSED');
    },
  );

  test('with a missing or invalid Location', () => {
    for (const location of [undefined, 'https://', 'http://[/']) {
      expect(rejection('https://registry.test', location)).toMatchObject({ code: 'RESPONSE_INVALID', status: 307 });
    }
  });

  test('in a loop of several, or for the sixth time', () => {
    expect(rejection('https://registry.test', '/b', '/c', '/b').code).toBe('REDIRECT_REFUSED');
    expect(follow('https://registry.test', '/1', '/2', '/3', '/4', '/5').url.pathname).toBe('/5');
    expect(rejection('https://registry.test', '/1', '/2', '/3', '/4', '/5', '/6').code).toBe('LIMIT_EXCEEDED');
  });
});

describe('follows a redirect', () => {
  test.each([
    ['https://registry.test', 'https://bucket.s3.amazonaws.com/blob?X-Amz-Signature=a%2Fb', true],
    ['https://registry.test', 'https://10.1.2.3/blob', true],
    ['http://registry.test', 'https://storage.test/', true],
    ['http://registry.test', 'http://storage.test/', true],
    ['http://localhost:5000', 'http://127.0.0.1:5001/blob', false],
    ['http://localhost:5000', 'https://storage.test/', false],
    ['https://registry.test', '/v2/other', false],
  ])('from %s to %s; isUntrusted is %s', (registry, location, isUntrusted) => {
    const chain = follow(registry, location);
    expect(chain.url.href).toBe(new URL(location, registry).href);
    expect(chain.isUntrusted).toBe(isUntrusted);
  });

  test.each<[HttpMethod, number[], number[]]>([
    ['GET', [301, 302, 303, 307, 308], [200, 300, 304, 305, 306, 404]],
    ['HEAD', [301, 302, 303, 307, 308], [300]],
    ['PUT', [307, 308], [301, 302, 303]],
    ['POST', [307, 308], [301, 302, 303]],
  ])('of %s with status %j, not %j', (method, statuses, others) => {
    expect(statuses.every((status) => isRedirect(status, method))).toBe(true);
    expect(others.some((status) => isRedirect(status, method))).toBe(false);
  });
});

test('a URL received from the registry is checked like a redirect', () => {
  const start = (url: string) => new RedirectChain('PUT', new URL(url), new URL('https://registry.test'));
  expect(start('https://uploads.test/1')).toMatchObject({ isSameOrigin: false, isUntrusted: true });
  expect(start('https://registry.test/v2/app/blobs/uploads/1')).toMatchObject({
    isSameOrigin: true,
    isUntrusted: false,
  });
  for (const url of ['http://registry.test/v2/', 'https://169.254.169.254/', 'https://a:b@uploads.test/']) {
    expect(() => start(url)).toThrow(expect.objectContaining({ code: 'REDIRECT_REFUSED' }));
  }
});
