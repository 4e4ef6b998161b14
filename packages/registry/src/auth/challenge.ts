import { RegistryError } from '../errors.ts';
import { isLoopbackHost } from '../transport/local-address.ts';

/** A challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** Authentication scheme in lower case, such as `basic` or `bearer`. */
  readonly scheme: string;
  /** Parameters by name in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Maximum length of a `WWW-Authenticate` header, in characters. The rest is ignored. */
const MAX_CHALLENGE_LENGTH = 8192;

/** Maximum number of challenges per response. */
const MAX_CHALLENGES = 16;

/** Maximum number of parameters per challenge. */
const MAX_CHALLENGE_PARAMETERS = 32;

const SEPARATORS = /[ \t,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y;
/** `=` and a token or a quoted string. RFC 9110 discourages whitespace around the `=`, but requires accepting it. */
const VALUE = /[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w-]+))/y;
/** The token68 form that some schemes use instead of parameters, such as `Negotiate YII=`. */
const TOKEN68 = /[ \t]+[\w.~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Parses a `WWW-Authenticate` header. It may contain several challenges, separated by commas like their parameters.
 * Ignores everything after a syntax error. If a parameter occurs twice, the first value counts.
 *
 * @see RFC 9110, section 11.6.1
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, MAX_CHALLENGE_LENGTH);
  const challenges: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match !== null) position = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const name = take(TOKEN)?.[0]?.toLowerCase();
    if (name === undefined) return challenges;
    const parameters = challenges.at(-1)?.parameters;
    // A name with a value is a parameter of the current challenge; a name alone starts a new challenge.
    const value = parameters === undefined ? null : take(VALUE);
    if (parameters !== undefined && value !== null) {
      if (parameters.size >= MAX_CHALLENGE_PARAMETERS) return challenges;
      if (!parameters.has(name)) parameters.set(name, value[1]?.replace(/\\(.)/g, '$1') ?? value[2] ?? '');
    } else {
      if (challenges.length >= MAX_CHALLENGES) return challenges;
      challenges.push({ scheme: name, parameters: new Map() });
      take(TOKEN68);
    }
  }
}

/** The registry that sent a challenge. */
export interface RealmSource {
  /** Host with an optional port, such as `registry.example:5000`. */
  readonly host: string;
  /** Scheme of requests to the registry. */
  readonly scheme: 'http' | 'https';
}

/** URL of a token service. */
export interface TokenRealm {
  readonly url: URL;
  /** Whether connections to loopback and link-local addresses must be blocked: see `HttpRequest`. */
  readonly isUntrusted: boolean;
  /** Whether credentials may be sent. Over plain HTTP, they are sent only to the host and port of the registry. */
  readonly allowsCredentials: boolean;
}

/**
 * Validates the `realm` of a Bearer challenge: a URL chosen by the server, to which credentials are sent. It must use
 * HTTPS, on any host. Plain HTTP is allowed only if the registry also uses it and the service is on the same host or
 * both are on loopback. Only a registry on loopback may name a service on loopback.
 *
 * A registry behind a TLS proxy may not know that its clients use HTTPS, and name its own host with http. That host is
 * requested with HTTPS.
 *
 * @throws RegistryError `REDIRECT_REFUSED`
 */
export function readTokenRealm(realm: string | undefined, registry: RealmSource): TokenRealm {
  const reject = (reason: string) =>
    new RegistryError('REDIRECT_REFUSED', `the token service of ${registry.host} is not used: ${reason}`);
  const url = realm !== undefined && URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined) throw reject('the realm of the challenge is not a URL');
  if (url.username !== '' || url.password !== '') throw reject('its URL contains credentials');
  url.hash = '';
  const { hostname, host } = new URL(`${registry.scheme}://${registry.host}`);
  const isOwnHost = url.hostname === hostname;
  if (isOwnHost && url.protocol === 'http:' && registry.scheme === 'https') {
    const usesDefaultPort = url.port === '';
    url.protocol = 'https:';
    if (usesDefaultPort) url.host = host;
  }
  const isLocal = isOwnHost || (isLoopbackHost(url.host) && isLoopbackHost(registry.host));
  if (isLoopbackHost(url.host) && !isLocal) throw reject('it is on loopback, the registry is not');
  const isPlain = url.protocol === 'http:' && registry.scheme === 'http' && isLocal;
  if (url.protocol !== 'https:' && !isPlain) {
    const remedy = 'set the external URL of the registry, or of its token service, to https';
    throw reject(`its URL must use https (${url.protocol}//${url.host}): ${remedy}`);
  }
  return { url, isUntrusted: !isLocal, allowsCredentials: !isPlain || url.host === host };
}
