import type { CallOptions } from '@soci/oci';
import { basicAuthorization, type IdentityToken, type PasswordCredentials } from '../credentials/credentials.ts';
import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import { parseJson } from '../json.ts';
import { describeRequest, type HttpRequest, type HttpSender, readWhole } from '../transport/http-message.ts';
import type { TokenRealm } from './challenge.ts';

/** Maximum size of a token response: 256 KiB. */
const MAX_TOKEN_RESPONSE = 1 << 18;

/** Minimum and default lifetime of a token, in seconds. distribution, docs/spec/auth/token.md */
const MIN_TOKEN_SECONDS = 60;

/** Maximum lifetime of a token, in seconds: one day, even if the service allows more. */
const MAX_TOKEN_SECONDS = 86_400;

/** A token service and the requested scopes. */
export interface TokenService {
  readonly realm: TokenRealm;
  /** The `service` parameter of the challenge: the name of the registry at the token service. */
  readonly service: string | undefined;
  /** Requested scopes, such as `repository:team/app:pull,push`. */
  readonly scopes: readonly string[];
}

/** A Bearer token and its lifetime in milliseconds. */
type BearerToken = { readonly token: string; readonly lifetime: number };

/**
 * Requests a token: with GET and Basic for a user name and password, with POST (OAuth 2) for an identity token, or
 * anonymously. Follows no redirects, because the request contains secrets. Errors do not quote the response, because it
 * may contain a token.
 *
 * @see distribution, docs/spec/auth/token.md and oauth.md
 */
export async function requestBearerToken(
  service: TokenService,
  credentials: IdentityToken | PasswordCredentials | undefined,
  sender: HttpSender,
  options: CallOptions = {},
): Promise<BearerToken> {
  if (credentials !== undefined && !service.realm.allowsCredentials) {
    throw new RegistryError(
      'REDIRECT_REFUSED',
      `no credentials are sent over plain HTTP to the token service ${service.realm.url.host}, because it is not on the ` +
        'host and port of the registry: use https for the token service',
    );
  }
  const request = {
    ...(credentials?.kind === 'identity-token' ? post(service, credentials.token) : get(service, credentials)),
    ...options,
  };
  const line = describeRequest(request.method, request.url);
  const response = await sender.send(request);
  const { status } = response;
  if (status < 200 || status >= 300) {
    response.discard();
    const [code, problem] = classify(status, credentials !== undefined);
    throw new RegistryError(code, `${line}: the token service ${problem} (status ${status})`, {
      request: line,
      status,
    });
  }
  return readToken(await readWhole(response, request.method, MAX_TOKEN_RESPONSE), line, status);
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

function readToken(body: Uint8Array, request: string, status: number): BearerToken {
  const response = parseJson(Buffer.from(body).toString('utf8'));
  const { token, access_token: accessToken, expires_in: seconds } = (response ?? {}) as Record<string, unknown>;
  const value = token || accessToken;
  // Rejected here, because a later error from the HTTP library would quote it.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new RegistryError('RESPONSE_INVALID', `${request}: the response contains no valid token`, {
      request,
      status,
    });
  }
  const lifetime = typeof seconds === 'number' && seconds > MIN_TOKEN_SECONDS ? seconds : MIN_TOKEN_SECONDS;
  return { token: value, lifetime: Math.min(lifetime, MAX_TOKEN_SECONDS) * 1000 };
}

function classify(status: number, hasCredentials: boolean): [RegistryErrorCode, string] {
  if (status === 400 || status === 401) {
    return ['AUTHENTICATION_FAILED', hasCredentials ? 'rejects the credentials' : 'rejects anonymous requests'];
  }
  if (status === 403) return ['ACCESS_DENIED', 'denies access'];
  if (status === 429) return ['RATE_LIMITED', 'received too many requests'];
  if (status >= 500) return ['SERVER_FAILED', 'failed'];
  if (status >= 300 && status < 400) return ['REDIRECT_REFUSED', 'redirects, which is not followed with credentials'];
  return ['RESPONSE_INVALID', 'returned no token'];
}
