import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { RegistryError } from '../errors.ts';
import { proxyAuthorization } from './proxy.ts';

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
    const { host, port } = options;
    const authority = `${host?.includes(':') ? `[${host}]` : host}:${port}`;
    const proxyName = `the proxy ${this.#proxy.origin}`;
    const connect = (this.#proxy.protocol === 'https:' ? https : http).request({
      method: 'CONNECT',
      host: this.#proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: this.#proxy.port || undefined,
      path: authority,
      headers: { host: authority, ...proxyAuthorization(this.#proxy) },
      // The tunnel is pooled by this agent, not by another.
      agent: false,
      ...(options.secureContext !== undefined && { secureContext: options.secureContext }),
    });
    const timer = setTimeout(() => {
      connect.destroy(
        new RegistryError(
          'STALLED',
          `${proxyName} made no connection to ${authority} in ${this.#connectTimeout / 1000} s`,
        ),
      );
    }, this.#connectTimeout);
    connect.once('close', () => clearTimeout(timer));
    connect.once('error', (error) => {
      onConnection(
        error instanceof RegistryError
          ? error
          : new RegistryError('CONNECTION_FAILED', `${proxyName} cannot be reached`, { cause: error }),
      );
    });
    // An answer that is not 200 is the proxy's; taken for the server's, it could ask for the credentials meant for that.
    connect.once('connect', (answer, socket) => {
      clearTimeout(timer);
      if (answer.statusCode === 200)
        return onConnection(null, super.createConnection({ ...options, socket } as TlsOptions) as Duplex);
      socket.destroy();
      const hint = answer.statusCode === 407 ? ': it wants credentials in its URL' : '';
      onConnection(
        new RegistryError(
          'CONNECTION_FAILED',
          `${proxyName} answered ${answer.statusCode} when asked for ${authority}${hint}`,
        ),
      );
    });
    connect.end();
    return undefined;
  }
}
