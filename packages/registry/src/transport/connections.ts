import { X509Certificate } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import tls from 'node:tls';
import { RegistryError } from '../errors.ts';
import type { RegistryOptions } from '../options.ts';
import { bareHost, guardLookup } from './local-address.ts';
import { findProxy, proxyAuthorization, proxyTarget } from './proxy.ts';
import { type TlsOptions, TunnelAgent } from './tunnel-agent.ts';

/** Milliseconds that a connection nobody uses is kept. Registries close theirs after a minute or so. */
const IDLE_TIMEOUT = 15_000;

/** Options of `PooledHttpSender`. */
export interface HttpSenderOptions extends Pick<RegistryOptions, 'ca' | 'env' | 'maxConnections' | 'stallTimeout'> {
  /** Finds the addresses of a name. @default `dns.lookup` */
  readonly lookup?: LookupFunction;
}

type ConnectionOptions = HttpSenderOptions & Required<Omit<HttpSenderOptions, 'ca' | 'lookup'>>;

/** How a request gets to its URL: which function sends it, with which options. */
export interface Route {
  readonly request: typeof http.request;
  readonly options: TlsOptions;
}

/** The connections that are kept: by proxy, and apart for URLs that a server named, so that no check of an address is missed. */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #tls: Pick<TlsOptions, 'secureContext'>;
  readonly #agents = new Map<string, http.Agent>();

  constructor(options: ConnectionOptions) {
    const secureContext = trustRoots(options.ca);
    this.#options = options;
    this.#tls = secureContext === undefined ? {} : { secureContext };
  }

  /** The way to a URL. @param isUntrusted - Whether a server named it: as in `HttpRequest`. */
  route(url: URL, isUntrusted: boolean): Route {
    const proxy = findProxy(url, this.#options.env);
    const isSecure = url.protocol === 'https:';
    const agent = this.#agent(isSecure, proxy, isUntrusted);
    const { lookup } = this.#options;
    const options: TlsOptions = { agent, ...this.#tls };
    if (proxy !== undefined && !isSecure) {
      Object.assign(options, proxyTarget(proxy), {
        path: url.href,
        headers: { host: url.host, ...proxyAuthorization(proxy) },
      });
      return { request: proxy.protocol === 'https:' ? https.request : http.request, options };
    }
    options.host = bareHost(url);
    options.port = url.port || (isSecure ? 443 : 80);
    options.path = `${url.pathname}${url.search}`;
    // Through a tunnel the proxy finds the address.
    if (isUntrusted) options.lookup = guardLookup(lookup);
    else if (lookup !== undefined) options.lookup = lookup;
    return { request: isSecure ? https.request : http.request, options };
  }

  /** Closes every connection, used or not. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #agent(isSecure: boolean, proxy: URL | undefined, isUntrusted: boolean): http.Agent {
    const key = `${isSecure} ${isUntrusted} ${proxy?.href}`;
    const agent = this.#agents.get(key) ?? this.#createAgent(isSecure, proxy);
    this.#agents.set(key, agent);
    return agent;
  }

  #createAgent(isSecure: boolean, proxy: URL | undefined): http.Agent {
    const { maxConnections, stallTimeout } = this.#options;
    const options = { keepAlive: true, maxFreeSockets: maxConnections, timeout: IDLE_TIMEOUT };
    if (proxy !== undefined && isSecure) return new TunnelAgent({ ...options, proxy, connectTimeout: stallTimeout });
    const isTls = proxy === undefined ? isSecure : proxy.protocol === 'https:';
    return isTls ? new https.Agent(options) : new http.Agent(options);
  }
}

/**
 * What TLS connections trust: whatever Node trusts, and the certificates named beside it.
 *
 * @param ca - Further certificates, PEM; undefined where there are none.
 * @returns undefined where Node's own defaults do.
 * @throws RegistryError `OPTION_INVALID` where `ca` holds no certificate, or one that cannot be read.
 */
function trustRoots(ca: string | undefined): tls.SecureContext | undefined {
  if (ca === undefined) return undefined;
  const added = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (added.length === 0)
    throw new RegistryError('OPTION_INVALID', 'the certificates to trust are not PEM: none begins in them');
  // OpenSSL passes over what it cannot read; a user who named it would wonder.
  try {
    for (const certificate of added) new X509Certificate(certificate);
  } catch (cause) {
    const message = 'a certificate to trust cannot be read: is it a whole PEM block?';
    throw new RegistryError('OPTION_INVALID', message, { cause });
  }
  // `ca` replaces the roots that Node trusts, those of NODE_EXTRA_CA_CERTS included.
  return tls.createSecureContext({ ca: [...tls.getCACertificates('default'), ...added] });
}
