import type { ClientRequest } from 'node:http';
import type { LookupFunction } from 'node:net';
import { RegistryError } from '../errors.ts';
import type { Environment } from '../options.ts';
import { checkOption, MAX_TIMEOUT } from '../options.ts';
import { ConnectionSlots } from './connection-slots.ts';
import { Connections } from './connections.ts';
import { exchange, openMessage } from './exchange.ts';
import { describeRequest, type HttpRequest, type HttpResponse, type HttpSender } from './http-message.ts';
import { isLocalHost } from './local-address.ts';

/** 30 seconds. */
const DEFAULT_STALL_TIMEOUT = 30_000;

/** What one host is asked at a time. */
const DEFAULT_MAX_CONNECTIONS = 16;

/** Options of {@link PooledHttpSender}. */
export interface HttpSenderOptions {
  /** Certificates to trust beside the system's, PEM. @default none */
  readonly ca?: string;
  /** Where proxies are named: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`. @default `process.env` */
  readonly env?: Environment;
  /** Connections to one host at a time, at least 2; further requests wait for one. @default 16 */
  readonly maxConnections?: number;
  /** Milliseconds without progress after which a connection counts as stalled. @default 30,000 */
  readonly stallTimeout?: number;
  /** Finds the addresses of a name. @default `dns.lookup` */
  readonly lookup?: LookupFunction;
}

/** Sends requests over HTTP/1.1 by node:http and node:https, over connections that it keeps until it is closed. */
export class PooledHttpSender implements HttpSender {
  readonly #connections: Connections;
  readonly #slots: ConnectionSlots;
  readonly #stallTimeout: number;
  #isClosed = false;

  /** @throws RegistryError `OPTION_INVALID` if `ca` holds no certificate, or a number is out of its range. */
  constructor({ ca, env = process.env, lookup, ...options }: HttpSenderOptions = {}) {
    const stallTimeout = checkOption('stallTimeout', options.stallTimeout ?? DEFAULT_STALL_TIMEOUT, 1, MAX_TIMEOUT);
    const maxConnections = checkOption('maxConnections', options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, 2, 1000);
    this.#connections = new Connections({ ca, env, maxConnections, stallTimeout, lookup });
    this.#slots = new ConnectionSlots(maxConnections);
    this.#stallTimeout = stallTimeout;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, waitsForReceiver = false, isUntrusted = false, signal } = request;
    signal?.throwIfAborted();
    const line = describeRequest(method, url);
    if (isUntrusted && isLocalHost(url.host)) throw untrustedAddress(line);
    const release = await this.#slots.take(url.origin, waitsForReceiver, signal);
    let message: ClientRequest;
    try {
      signal?.throwIfAborted();
      if (this.#isClosed) throw closed();
      message = openMessage(request, this.#connections.route(url, isUntrusted));
    } catch (error) {
      release();
      throw error;
    }
    message.once('close', release);
    return exchange(message, request, line, this.#stallTimeout);
  }

  /**
   * Closes every connection, used or not; no further request is sent: RegistryError `CLOSED`. Connections that nobody uses
   * do not keep a process alive.
   */
  close(): void {
    this.#isClosed = true;
    this.#slots.close(closed());
    this.#connections.close();
  }
}

function closed(): RegistryError {
  return new RegistryError('CLOSED', 'the registry was closed: nothing more is asked of it');
}

function untrustedAddress(request: string): RegistryError {
  const message = `${request}: no server may lead to this machine, its link or a metadata service`;
  return new RegistryError('REDIRECT_REFUSED', message, { request });
}
