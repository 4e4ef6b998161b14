import type { CallOptions } from '@soci/oci';
import { basicAuthorization, type IdentityToken, type PasswordCredentials } from '../credentials/credentials.ts';
import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import { parseJson } from '../json.ts';
import { describeRequest, type HttpRequest, type HttpSender, readWhole } from '../transport/http-message.ts';
import type { TokenRealm } from './challenge.ts';

/** Bytes of a token service's answer. 256 KiB. */
const MAX_TOKEN_RESPONSE = 1 << 18;

/** Seconds that a token is good for where its service does not say, and at least. distribution, docs/spec/auth/token.md */
const MIN_TOKEN_SECONDS = 60;

/** Seconds after which a token is renewed though its service says it is good for longer. A day. */
const MAX_TOKEN_SECONDS = 86_400;

/** Who gives tokens, and for what. */
export interface TokenService {
  readonly realm: TokenRealm;
  /** How the service knows the registry. */
  readonly service: string | undefined;
  /** Such as `repository:team/app:pull,push`. */
  readonly scopes: readonly string[];
}

/** A token that the registry takes, and the milliseconds that it is good for. */
type BearerToken = { readonly token: string; readonly lifetime: number };

/**
 * Gets a token of a token service: with a name and password by GET and Basic; with an identity token by POST, as OAuth 2
 * has it; without credentials as anybody. No redirect is followed, for what is sent is secret; and nothing of the answer
 * is repeated in an error, for it may hold a token.
 *
 * @see distribution, docs/spec/auth/token.md and oauth.md
 */
export async function requestBearerToken(
  service: TokenService,
  credentials: IdentityToken | PasswordCredentials | undefined,
  sender: HttpSender,
  options: CallOptions = {},
): Promise<BearerToken> {
  const request = {
    ...(credentials?.kind === 'identity-token' ? post(service, credentials.token) : get(service, credentials)),
    ...options,
  };
  const line = describeRequest(request.method, request.url);
  const response = await sender.send(request);
  if (response.status !== 200) {
    response.discard();
    const { status } = response;
    const [code, what] = classify(status, credentials !== undefined);
    throw new RegistryError(code, `${line}: the token service ${what} (status ${status})`, { request: line, status });
  }
  return readToken(await readWhole(response, request.method, MAX_TOKEN_RESPONSE), line);
}

function get({ realm, service, scopes }: TokenService, credentials: PasswordCredentials | undefined): HttpRequest {
  const url = new URL(realm.url);
  if (service !== undefined) url.searchParams.append('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers = credentials?.kind === 'password' ? { authorization: basicAuthorization(credentials) } : {};
  return { method: 'GET', url, headers, isUntrusted: realm.isUntrusted };
}

function post({ realm, service, scopes }: TokenService, token: string): HttpRequest {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'soci', refresh_token: token });
  if (service !== undefined) form.set('service', service);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  return {
    method: 'POST',
    url: realm.url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new TextEncoder().encode(form.toString()),
    isUntrusted: realm.isUntrusted,
  };
}

function readToken(body: Uint8Array, request: string): BearerToken {
  const answer = parseJson(Buffer.from(body).toString('utf8'));
  const { token, access_token: accessToken, expires_in: seconds } = (answer ?? {}) as Record<string, unknown>;
  const given = token || accessToken;
  // What could not stand in a header is refused here, where nobody quotes it.
  if (typeof given !== 'string' || !/^[\x21-\x7e]+$/.test(given)) {
    throw new RegistryError('RESPONSE_INVALID', `${request} answered without a token`, { request, status: 200 });
  }
  const lifetime = typeof seconds === 'number' && seconds > MIN_TOKEN_SECONDS ? seconds : MIN_TOKEN_SECONDS;
  return { token: given, lifetime: Math.min(lifetime, MAX_TOKEN_SECONDS) * 1000 };
}

function classify(status: number, isKnown: boolean): [RegistryErrorCode, string] {
  if (status === 400 || status === 401) {
    return ['AUTHENTICATION_FAILED', isKnown ? 'does not take the credentials' : 'gives nothing to anonymous callers'];
  }
  if (status === 403) return ['ACCESS_DENIED', 'refuses'];
  if (status === 429) return ['RATE_LIMITED', 'was asked too often'];
  if (status >= 500) return ['SERVER_FAILED', 'failed'];
  if (status >= 300 && status < 400) return ['REDIRECT_REFUSED', 'leads elsewhere, where credentials are not sent'];
  return ['RESPONSE_INVALID', 'gives no token'];
}
