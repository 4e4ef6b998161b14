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
export interface HttpSenderOptions
  extends Pick<RegistryOptions, 'ca' | 'cert' | 'env' | 'key' | 'maxConnections' | 'stallTimeout'> {
  /** Host, with an optional port, that the certificate of the client is presented to. @default none */
  readonly identityHost?: string;
  /** Resolves host names. @default `dns.lookup` */
  readonly lookup?: LookupFunction;
}

type ConnectionOptions = HttpSenderOptions &
  Required<Pick<HttpSenderOptions, 'env' | 'maxConnections' | 'stallTimeout'>>;

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
  /** TLS context of all hosts except `identityHost`. Undefined if the defaults of Node.js suffice. */
  readonly #trust: tls.SecureContext | undefined;
  /** TLS context of `identityHost`. */
  readonly #identity: tls.SecureContext | undefined;
  readonly #agents = new Map<string, http.Agent>();

  constructor(options: ConnectionOptions) {
    const ca = listAuthorities(options.ca);
    this.#options = options;
    this.#trust = ca && tls.createSecureContext({ ca });
    this.#identity = createIdentityContext(options, ca) ?? this.#trust;
  }

  /** Returns the route to a URL. @param isUntrusted - Whether a server chose the URL: see `HttpRequest`. */
  route(url: URL, isUntrusted: boolean): Route {
    const proxy = findProxy(url, this.#options.env);
    const isSecure = url.protocol === 'https:';
    const agent = this.#agent(isSecure, proxy, isUntrusted);
    const { lookup } = this.#options;
    const secureContext = url.host === this.#identityHost ? this.#identity : this.#trust;
    const options: TlsOptions = { agent, ...(secureContext && { secureContext }) };
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

  /** The host as it occurs in URLs: in lower case, without the default port of HTTPS. */
  get #identityHost(): string | undefined {
    const { identityHost } = this.#options;
    return identityHost === undefined ? undefined : new URL(`https://${identityHost}`).host;
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
    if (proxy !== undefined && isSecure) {
      return new TunnelAgent({ ...options, proxy, connectTimeout: stallTimeout, proxyContext: this.#trust });
    }
    const isTls = proxy === undefined ? isSecure : proxy.protocol === 'https:';
    return withReadBuffers(isTls ? new https.Agent(options) : new http.Agent(options));
  }
}

/** Bytes that are read from a socket at a time: 256 KiB. Node.js reads 64 KiB, and each chunk costs its consumers CPU time. */
const READ_SIZE = 2 ** 18;

/**
 * Gives each connection of an agent one buffer to read into. By default, Node.js allocates a buffer for each read. The HTTP
 * parser copies the body out of it, and the buffer waits for garbage collection: half of the CPU time, and up to 64 MB.
 */
function withReadBuffers(agent: http.Agent): http.Agent {
  const createConnection = agent.createConnection.bind(agent);
  agent.createConnection = (options, onConnection) => {
    const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
    const onread = {
      buffer,
      callback: (length: number) => {
        socket?.emit('data', buffer.subarray(0, length));
        return true;
      },
    };
    const socket = createConnection({ ...options, onread } as http.ClientRequestArgs, onConnection);
    return socket;
  };
  return agent;
}

/**
 * Returns the certificates of Node.js and the given ones.
 *
 * @param ca - Additional PEM certificates, if any.
 * @returns undefined if the defaults of Node.js suffice
 * @throws RegistryError `OPTION_INVALID` if `ca` contains no certificate, or an invalid one
 */
function listAuthorities(ca: string | undefined): string[] | undefined {
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
  return [...tls.getCACertificates('default'), ...added];
}

/**
 * Creates a TLS context with the certificate of the client, if any.
 *
 * @throws RegistryError `OPTION_INVALID` if the certificate or the key is missing or invalid, or they do not match
 */
function createIdentityContext(
  { cert, key }: Pick<HttpSenderOptions, 'cert' | 'key'>,
  ca: string[] | undefined,
): tls.SecureContext | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new RegistryError('OPTION_INVALID', 'the options cert and key must be used together');
  }
  try {
    return tls.createSecureContext({ cert, key, ...(ca && { ca }) });
  } catch (cause) {
    const problem = 'the options cert and key are not a PEM certificate and its unencrypted private key';
    throw new RegistryError('OPTION_INVALID', `${problem}: ${(cause as Error).message}`, { cause });
  }
}
