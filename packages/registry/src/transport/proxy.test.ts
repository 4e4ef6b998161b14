import { expect, test } from 'vitest';
import { findProxy, proxyAuthorization } from './proxy.ts';

const proxy = (url: string, env: Record<string, string>) => findProxy(new URL(url), env)?.href;

test('each scheme has its own variable, ALL_PROXY applies to both', () => {
  const env = { HTTPS_PROXY: 'http://secure.test:3128', HTTP_PROXY: 'http://plain.test:3128' };
  expect(proxy('https://registry.test/', env)).toBe('http://secure.test:3128/');
  expect(proxy('http://registry.test/', env)).toBe('http://plain.test:3128/');
  expect(proxy('https://registry.test/', { ALL_PROXY: 'http://all.test' })).toBe('http://all.test/');
  expect(proxy('https://registry.test/', {})).toBeUndefined();
});

test('prefers lower case, ignores empty variables, and accepts a proxy without a scheme', () => {
  expect(proxy('https://r.test/', { https_proxy: 'lower.test:1', HTTPS_PROXY: 'upper.test:2' })).toBe(
    'http://lower.test:1/',
  );
  expect(proxy('https://r.test/', { https_proxy: '', HTTPS_PROXY: 'upper.test:2' })).toBe('http://upper.test:2/');
  expect(proxy('https://r.test/', { https_proxy: '' })).toBeUndefined();
});

test('ignores HTTP_PROXY in a CGI script, because it is a request header', () => {
  const env = { REQUEST_METHOD: 'GET', HTTP_PROXY: 'http://evil.test' };
  expect(proxy('http://r.test/', env)).toBeUndefined();
  expect(proxy('http://r.test/', { ...env, http_proxy: 'http://good.test' })).toBe('http://good.test/');
});

test.each(['http://localhost:5000/', 'http://127.0.0.1/', 'https://[::1]:5000/'])('%s is not proxied', (url) => {
  expect(proxy(url, { ALL_PROXY: 'http://all.test' })).toBeUndefined();
});

test.each([
  ['*', 'https://any.test/', true],
  ['registry.test', 'https://registry.test/', true],
  ['registry.test', 'https://REGISTRY.test:8443/', true],
  ['registry.test', 'https://eu.registry.test/', true],
  ['registry.test', 'https://notregistry.test/', false],
  ['.registry.test', 'https://eu.registry.test/', true],
  ['.registry.test', 'https://registry.test/', false],
  ['*.registry.test', 'https://eu.registry.test/', true],
  ['other.test, registry.test', 'https://registry.test/', true],
  ['other.test registry.test', 'https://registry.test/', true],
  ['registry.test:443', 'https://registry.test/', true],
  ['registry.test:443', 'https://registry.test:8443/', false],
  ['registry.test:80', 'http://registry.test/', true],
  ['10.1.2.3', 'https://10.1.2.3/', true],
  ['10.0.0.0/8', 'https://10.1.2.3/', true],
  ['10.0.0.0/8', 'https://11.1.2.3/', false],
  ['10.0.0.0/99', 'https://10.1.2.3/', false],
  ['10.0.0.0/8', 'https://10.registry.test/', false],
  ['2001:db8::1', 'https://[2001:db8::1]/', true],
  ['[2001:db8::1]', 'https://[2001:db8::1]/', true],
  ['[2001:db8::1]:443', 'https://[2001:db8::1]/', true],
  ['2001:db8::/32', 'https://[2001:db8::1]/', true],
  ['2001:db8::/32', 'https://[2001:db9::1]/', false],
  [',,', 'https://registry.test/', false],
])('NO_PROXY=%s and %s: exempt is %s', (exemptions, url, isExempt) => {
  const env = { ALL_PROXY: 'http://all.test', NO_PROXY: exemptions };
  expect(proxy(url, env)).toBe(isExempt ? undefined : 'http://all.test/');
});

test.each(['socks5://user:secret@proxy.test', 'http://', '//user:secret@'])(
  'rejects the proxy %s without quoting it',
  (text) => {
    const find = () => proxy('https://registry.test/', { HTTPS_PROXY: text });
    expect(find).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
    expect(find).not.toThrow(/secret/);
  },
);

test.each([
  ['p%40ss', 'p@ss'],
  ['50%', '50%'],
])('decodes the password %s of a proxy URL to %s', (written, password) => {
  const basic = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
  expect(proxyAuthorization(new URL(`http://user:${written}@proxy.test`))).toEqual({ 'proxy-authorization': basic });
});
