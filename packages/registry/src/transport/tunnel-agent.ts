import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { Environment } from '../environment.ts';
import { RegistryError } from '../errors.ts';
import { toConnectionError } from './connection-error.ts';
import { findProxy, proxyAuthorization, proxyTarget } from './proxy.ts';
import { StallTimer } from './stall-detection.ts';

/** Options of a request over https, with what node:tls takes from them. */
export type TlsOptions = https.RequestOptions & Pick<ConnectionOptions, 'secureContext'>;

/** What a {@link TunnelAgent} adds to an agent. */
export interface TunnelOptions extends https.AgentOptions {
  /** The proxy; its user info is sent to it as Basic. */
  readonly proxy: URL;
  /** Milliseconds until the proxy has made a connection. */
  readonly connectTimeout: number;
}

type OnConnection = (error: Error | null, socket?: Duplex) => void;

/** Connects to https servers through a proxy that is asked to CONNECT: it sees the name of the host, and nothing else. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: URL;
  readonly #connectTimeout: number;

  constructor({ proxy, connectTimeout, ...options }: TunnelOptions) {
    super(options);
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
      // The tunnel is pooled by this agent, not by another.
      agent: false,
      ...(options.secureContext !== undefined && { secureContext: options.secureContext }),
    });
    const timer = new StallTimer(request, this.#connectTimeout, (error) => connect.destroy(error));
    timer.start('connecting');
    connect.once('close', () => timer.stop());
    connect.once('error', (error) => onConnection(toConnectionError(error, request)));
    connect.once('connect', (answer, socket) => {
      timer.stop();
      if (answer.statusCode === 200) {
        const secured = super.createConnection({ ...options, socket } as TlsOptions) as Duplex;
        return onConnection(null, secured);
      }
      // The proxy's answer: taken for the server's, it could ask for the credentials that are meant for that.
      socket.destroy();
      const hint = answer.statusCode === 407 ? ': it wants credentials in its URL' : '';
      const message = `${request} was answered with ${answer.statusCode}${hint}`;
      onConnection(new RegistryError('CONNECTION_FAILED', message, { request }));
    });
    connect.end();
    return undefined;
  }
}

/** Options of {@link createProxyAgent}. */
export interface ProxyAgentOptions {
  /** Names proxies: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`. @default `process.env` */
  readonly env?: Environment;
  /** Milliseconds that the proxy may take to connect. */
  readonly connectTimeout: number;
}

/**
 * Creates the agent with which another https client, such as the AWS SDK, reaches `url` through the proxy that the
 * environment names.
 *
 * @returns undefined if the environment names no proxy for `url`.
 * @throws RegistryError `OPTION_INVALID` if it names one that is not an http or https URL.
 */
export function createProxyAgent(
  url: URL,
  { env = process.env, connectTimeout }: ProxyAgentOptions,
): https.Agent | undefined {
  const proxy = findProxy(url, env);
  return proxy && new TunnelAgent({ proxy, connectTimeout, keepAlive: true });
}
