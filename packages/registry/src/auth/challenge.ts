import { RegistryError } from '../errors.ts';
import { isLoopbackHost } from '../transport/local-address.ts';

/** One way in which a registry wants requests to be authorised. */
export interface Challenge {
  /** In lower case, such as `basic` or `bearer`. */
  readonly scheme: string;
  /** By name in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Characters of a `WWW-Authenticate` that are looked at. Longer ones are cut: no registry needs more. */
const MAX_CHALLENGE_LENGTH = 8192;

/** Challenges that are taken from one answer. */
const MAX_CHALLENGES = 16;

/** Parameters that are taken from one challenge. */
const MAX_CHALLENGE_PARAMETERS = 32;

const SEPARATORS = /[ \t,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y;
/** `=` and a token or a quoted string; blanks around the `=` are allowed though nobody should send them. */
const VALUE = /[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w-]+))/y;
/** What some schemes give in place of parameters, such as `Negotiate YII=`. */
const TOKEN68 = /[ \t]+[\w.~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Reads a `WWW-Authenticate`: several challenges may stand in one header, parted by commas as their own parameters are.
 * What follows after something unreadable is left out. Of a parameter given twice the first counts.
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
    // A name with a value belongs to the challenge before it; a name alone begins a new one.
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

/** The registry that named a token service. */
export interface RealmSource {
  /** Such as `registry.example:5000`. */
  readonly host: string;
  /** How the registry itself is spoken to. */
  readonly scheme: 'http' | 'https';
}

/** Where tokens are to be had. */
export interface TokenRealm {
  readonly url: URL;
  /** Whether the connection must be kept from leading to this machine or its link: see `HttpRequest`. */
  readonly isUntrusted: boolean;
}

/**
 * Reads the `realm` of a Bearer challenge: a URL that a server named, and that credentials are to be sent to. It is https, on
 * any host of the network, as the registries' own token services are; plain http only where the registry is spoken to so
 * and the service is on its very host, or both are on this machine. This machine is led to by itself alone.
 *
 * @throws RegistryError `REDIRECT_REFUSED`
 */
export function readTokenRealm(realm: string | undefined, registry: RealmSource): TokenRealm {
  const refuse = (why: string) =>
    new RegistryError('REDIRECT_REFUSED', `${registry.host} wants a token of a service that ${why}: none is asked for`);
  const url = realm !== undefined && URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined) throw refuse('it does not name by a URL');
  if (url.username !== '' || url.password !== '') throw refuse('it names with credentials in the URL');
  url.hash = '';
  const isOwnHost = url.hostname === new URL(`${registry.scheme}://${registry.host}`).hostname;
  const isNear = isOwnHost || (isLoopbackHost(url.host) && isLoopbackHost(registry.host));
  if (isLoopbackHost(url.host) && !isNear) throw refuse('is on this machine');
  const isPlain = url.protocol === 'http:' && registry.scheme === 'http' && isNear;
  if (url.protocol !== 'https:' && !isPlain) throw refuse(`is not at an https URL (${url.protocol}//${url.host})`);
  return { url, isUntrusted: !isNear };
}
