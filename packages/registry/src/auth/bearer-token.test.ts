import { everythingIn } from '@soci/test-content';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catchError } from '../fixtures/catch-error.ts';
import { PooledHttpSender } from '../transport/http-sender.ts';
import { requestBearerToken } from './bearer-token.ts';
import { startTokenRegistry, type TokenRegistry } from './fixtures/token-registry.ts';

const SCOPES = ['repository:team/app:pull', 'repository:team/base:pull'];
const PASSWORD = { kind: 'password', username: 'joe', password: 'pa:ss wörd' } as const;

describe('requestBearerToken', () => {
  const sender = new PooledHttpSender({ env: {} });
  let registry: TokenRegistry;
  beforeEach(async () => {
    registry = await startTokenRegistry();
  });
  afterEach(() => registry.stop());
  afterAll(() => sender.close());

  const service = (path = '/token') => ({
    realm: { url: new URL(`http://${registry.host}${path}`), isUntrusted: false, allowsCredentials: true },
    service: 'test registry',
    scopes: SCOPES,
  });
  const request = (credentials?: Parameters<typeof requestBearerToken>[1]) =>
    requestBearerToken(service(), credentials, sender);

  it('requests an anonymous token for a service and each scope', async () => {
    await requestBearerToken(service('/token?x=1'), undefined, sender);
    const [seen] = registry.requests;
    expect(seen?.method).toBe('GET');
    expect(seen?.query.toString()).toBe(
      'x=1&service=test+registry&scope=repository%3Ateam%2Fapp%3Apull&scope=repository%3Ateam%2Fbase%3Apull',
    );
    expect(seen?.authorization).toBeUndefined();
  });

  it('sends a user name and password as Basic authentication in UTF-8', async () => {
    await request(PASSWORD);
    const [, basic = ''] = registry.requests[0]?.authorization?.split(' ') ?? [];
    expect(Buffer.from(basic, 'base64').toString('utf8')).toBe('joe:pa:ss wörd');
  });

  it('sends an identity token in the body of an OAuth 2 request', async () => {
    await request({ kind: 'identity-token', token: 'refresh&me' });
    const [seen] = registry.requests;
    expect(seen?.method).toBe('POST');
    expect(seen?.query.toString()).toBe('');
    expect(Object.fromEntries(new URLSearchParams(seen?.body))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'soci',
      refresh_token: 'refresh&me',
      service: 'test registry',
      scope: SCOPES.join(' '),
    });
  });

  it.each([
    ['{"token":"t","expires_in":300}', 300_000],
    ['{"access_token":"t","expires_in":300}', 300_000],
    ['{"token":"t"}', 60_000],
    ['{"token":"t","expires_in":1}', 60_000],
    ['{"token":"t","expires_in":-1}', 60_000],
    ['{"token":"t","expires_in":"300"}', 60_000],
    ['{"token":"t","expires_in":1e300}', 86_400_000],
  ])('parses %s', async (body, lifetime) => {
    registry.respond = () => ({ body });
    expect(await request()).toEqual({ token: 't', lifetime });
  });

  it.each([201, 202, 203, 206])('accepts a token with status %i', async (status) => {
    registry.respond = () => ({ status, body: '{"token":"t","expires_in":300}' });
    expect(await request()).toEqual({ token: 't', lifetime: 300_000 });
  });

  it('sends credentials over plain HTTP to no other port, but requests anonymous tokens there', async () => {
    const realm = { ...service().realm, allowsCredentials: false };
    const error = await catchError(requestBearerToken({ ...service(), realm }, PASSWORD, sender));
    expect(error.code).toBe('REDIRECT_REFUSED');
    expect(error.message).toContain('use https for the token service');
    expect(registry.requests).toEqual([]);
    registry.respond = () => ({ body: '{"token":"t"}' });
    expect(await requestBearerToken({ ...service(), realm }, undefined, sender)).toMatchObject({ token: 't' });
  });

  it.each([
    ['204', { status: 204 }, 'RESPONSE_INVALID'],
    ['401', { status: 401 }, 'AUTHENTICATION_FAILED'],
    ['403', { status: 403 }, 'ACCESS_DENIED'],
    ['404', { status: 404 }, 'RESPONSE_INVALID'],
    ['429', { status: 429 }, 'RATE_LIMITED'],
    ['503', { status: 503 }, 'SERVER_FAILED'],
    ['a redirect', { status: 307, headers: { location: 'https://elsewhere.example/' } }, 'REDIRECT_REFUSED'],
    ['HTML', { body: '<html>s3cret' }, 'RESPONSE_INVALID'],
    ['no token', { body: '{}' }, 'RESPONSE_INVALID'],
    ['null', { body: 'null' }, 'RESPONSE_INVALID'],
    ['a token that is not a string', { body: '{"token":{"s3cret":1}}' }, 'RESPONSE_INVALID'],
    ['a token that breaks the header', { body: '{"token":"s3cret\\r\\nx: y"}' }, 'RESPONSE_INVALID'],
    ['a large body', { body: `{"token":"${'s3cret'.repeat(1 << 18)}"}` }, 'LIMIT_EXCEEDED'],
  ])('fails without quoting secrets if the service responds with %s', async (_what, response, code) => {
    registry.respond = () => response;
    const error = await catchError(request({ ...PASSWORD, password: 's3cret' }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(`GET http://${registry.host}/token`);
    expect(everythingIn(error)).not.toMatch(/s3cret|am9l/);
    expect(registry.requests).toHaveLength(1);
  });
});
