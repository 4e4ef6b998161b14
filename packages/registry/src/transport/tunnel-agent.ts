import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import type { Environment } from '../environment.ts';
import { RegistryError } from '../errors.ts';
import { toConnectionError } from './connection-error.ts';
import { findProxy, proxyAuthorization, proxyTarget } from './proxy.ts';
import { StallTimer } from './stall-detection.ts';

/** HTTPS request options with those of node:tls that are used. */
export type TlsOptions = https.RequestOptions & Pick<ConnectionOptions, 'secureContext'>;

/** Options of {@link TunnelAgent}. */
export interface TunnelOptions extends https.AgentOptions {
  /** URL of the proxy. Its user info is sent as Basic credentials. */
  readonly proxy: URL;
  /** Timeout for the proxy to connect, in milliseconds. */
  readonly connectTimeout: number;
  /** TLS context of an HTTPS proxy. It must not contain the certificate of the client. @default that of Node.js */
  readonly proxyContext?: SecureContext | undefined;
}

type OnConnection = (error: Error | null, socket?: Duplex) => void;

/** Connects to HTTPS servers through a proxy with CONNECT. The proxy sees only the host name and port. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: URL;
  readonly #connectTimeout: number;
  readonly #proxyContext: SecureContext | undefined;

  constructor({ proxy, connectTimeout, proxyContext, ...options }: TunnelOptions) {
    super(options);
    this.#proxyContext = proxyContext;
    this.#proxy = proxy;
    this.#connectTimeout = connectTimeout;
  }

  override createConnection(options: TlsOptions, onConnection: OnConnection): undefined {
    const authority = `${options.host?.includes(':') ? `[${options.host}]` : options.host}:${options.port}`;
    const request = `CONNECT ${authority} through the proxy ${this.#proxy.origin}`;
    const connect = (this.#proxy.protocol === 'https:' ? https : http).request({
      ...proxyTarget(this.#proxy),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...proxyAuthorization(this.#proxy) },
      // This agent pools the tunnels.
      agent: false,
      ...(this.#proxyContext !== undefined && { secureContext: this.#proxyContext }),
    });
    const timer = new StallTimer(request, this.#connectTimeout, (error) => connect.destroy(error));
    timer.start('connecting');
    connect.once('close', () => timer.stop());
    connect.once('error', (error) => onConnection(toConnectionError(error, request)));
    connect.once('connect', (response, socket) => {
      timer.stop();
      if (response.statusCode === 200) {
        const secured = super.createConnection({ ...options, socket } as TlsOptions) as Duplex;
        return onConnection(null, secured);
      }
      // Fail here: if the response of the proxy were taken for that of the server, it could ask for the server's
      // credentials.
      socket.destroy();
      const hint = response.statusCode === 407 ? ': add a user name and password to the URL of the proxy' : '';
      const message = `${request} failed with status ${response.statusCode}${hint}`;
      onConnection(new RegistryError('CONNECTION_FAILED', message, { request }));
    });
    connect.end();
    return undefined;
  }
}

/** Options of {@link createProxyAgent}. */
export interface ProxyAgentOptions {
  /** Environment variables: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`. @default `process.env` */
  readonly env?: Environment;
  /** Timeout for the proxy to connect, in milliseconds. */
  readonly connectTimeout: number;
}

/**
 * Creates an agent that connects another HTTPS client, such as the AWS SDK, to `url` through the proxy of the
 * environment.
 *
 * @returns undefined if the environment defines no proxy for `url`
 * @throws RegistryError `OPTION_INVALID` if the proxy is not an http or https URL
 */
export function createProxyAgent(
  url: URL,
  { env = process.env, connectTimeout }: ProxyAgentOptions,
): https.Agent | undefined {
  const proxy = findProxy(url, env);
  return proxy && new TunnelAgent({ proxy, connectTimeout, keepAlive: true });
}
