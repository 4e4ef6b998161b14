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

/** Milliseconds after which an idle connection is closed. Registries close theirs after about a minute. */
const IDLE_TIMEOUT = 15_000;

/** Options of `PooledHttpSender`. */
export interface HttpSenderOptions extends Pick<RegistryOptions, 'ca' | 'env' | 'maxConnections' | 'stallTimeout'> {
  /** Resolves host names. @default `dns.lookup` */
  readonly lookup?: LookupFunction;
}

type ConnectionOptions = HttpSenderOptions & Required<Omit<HttpSenderOptions, 'ca' | 'lookup'>>;

/** How to send a request to a URL: the request function and its options. */
export interface Route {
  readonly request: typeof http.request;
  readonly options: TlsOptions;
}

/**
 * Keep-alive agents, one per proxy. URLs chosen by a server have their own agents, so that their addresses are always
 * checked.
 */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #tls: Pick<TlsOptions, 'secureContext'>;
  readonly #agents = new Map<string, http.Agent>();

  constructor(options: ConnectionOptions) {
    const secureContext = createTrustContext(options.ca);
    this.#options = options;
    this.#tls = secureContext === undefined ? {} : { secureContext };
  }

  /** Returns the route to a URL. @param isUntrusted - Whether a server chose the URL: see `HttpRequest`. */
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
    // Not used by a tunnel: the proxy resolves the name.
    if (isUntrusted) options.lookup = guardLookup(lookup);
    else if (lookup !== undefined) options.lookup = lookup;
    return { request: isSecure ? https.request : http.request, options };
  }

  /** Closes all connections, including those in use. */
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
 * Creates a TLS context that trusts the certificates of Node.js and the given ones.
 *
 * @param ca - Additional PEM certificates, if any.
 * @returns undefined if the defaults of Node.js suffice
 * @throws RegistryError `OPTION_INVALID` if `ca` contains no certificate, or an invalid one
 */
function createTrustContext(ca: string | undefined): tls.SecureContext | undefined {
  if (ca === undefined) return undefined;
  const added = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (added.length === 0) throw new RegistryError('OPTION_INVALID', 'option ca contains no PEM certificate');
  // OpenSSL silently skips invalid certificates.
  try {
    for (const certificate of added) new X509Certificate(certificate);
  } catch (cause) {
    const message = 'option ca contains an invalid certificate: check that each PEM block is complete';
    throw new RegistryError('OPTION_INVALID', message, { cause });
  }
  // The `ca` option of Node.js replaces the default roots, including those of NODE_EXTRA_CA_CERTS.
  return tls.createSecureContext({ ca: [...tls.getCACertificates('default'), ...added] });
}
