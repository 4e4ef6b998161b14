import { RegistryError } from '../errors.ts';
import { isLoopbackHost } from '../transport/local-address.ts';

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
