import { describe, expect, it } from 'vitest';
import { RegistryError } from '../errors.ts';
import { readTokenRealm } from './token-realm.ts';

const read = (realm: string | undefined, registry: string) => {
  const { protocol, host } = new URL(registry);
  return readTokenRealm(realm, { host, scheme: protocol === 'http:' ? 'http' : 'https' });
};

describe('readTokenRealm', () => {
  it.each([
    ['https://auth.example/token?x=1', 'https://registry.example', true],
    ['https://registry.example/token', 'https://registry.example', false],
    ['https://registry.example:8443/token', 'https://registry.example:5000', false],
    ['http://registry.example:5001/token', 'http://registry.example:5000', false],
    ['http://127.0.0.1:5001/token', 'http://localhost:5000', false],
    ['https://auth.example/token', 'http://127.0.0.1:5000', true],
  ])('takes %s of %s', (realm, registry, isUntrusted) => {
    expect(read(realm, registry)).toEqual({ url: new URL(realm), isUntrusted });
  });

  it.each([
    [undefined, 'https://registry.example'],
    ['/token', 'https://registry.example'],
    ['token', 'https://registry.example'],
    ['http://auth.example/token', 'https://registry.example'],
    ['http://registry.example/token', 'https://registry.example'],
    ['http://auth.example/token', 'http://registry.example'],
    ['http://127.0.0.1/token', 'http://registry.example'],
    ['https://127.0.0.1/token', 'https://registry.example'],
    ['https://localhost/token', 'https://registry.example'],
    ['https://[::1]/token', 'https://registry.example'],
    ['https://joe:s3cret@auth.example/token', 'https://registry.example'],
    ['file:///etc/passwd', 'https://registry.example'],
    ['ftp://127.0.0.1/', 'http://127.0.0.1:5000'],
  ])('refuses %s of %s', (realm, registry) => {
    expect(() => read(realm, registry)).toThrowError(
      expect.toSatisfy((error: unknown) => {
        return error instanceof RegistryError && error.code === 'REDIRECT_REFUSED' && !/s3cret/.test(error.message);
      }),
    );
  });
});
