import type { ClientRequest } from 'node:http';
import { RegistryError } from '../errors.ts';
import { checkOption, MAX_TIMEOUT } from '../options.ts';
import { ConnectionSlots } from './connection-slots.ts';
import { Connections, type HttpSenderOptions } from './connections.ts';
import { exchange, openMessage } from './exchange.ts';
import { describeRequest, type HttpRequest, type HttpResponse, type HttpSender } from './http-message.ts';
import { isLocalHost } from './local-address.ts';

/** 30 seconds. */
const DEFAULT_STALL_TIMEOUT = 30_000;

/** What one host is asked at a time. */
const DEFAULT_MAX_CONNECTIONS = 16;

/** Sends requests over HTTP/1.1 by node:http and node:https, over connections that it keeps until it is closed. */
export class PooledHttpSender implements HttpSender {
  readonly #connections: Connections;
  readonly #slots: ConnectionSlots;
  readonly #stallTimeout: number;
  #isClosed = false;

  /** @throws RegistryError `OPTION_INVALID` if `ca` holds no certificate, or a number is out of its range. */
  constructor(options: HttpSenderOptions = {}) {
    const stallTimeout = checkOption('stallTimeout', options.stallTimeout ?? DEFAULT_STALL_TIMEOUT, 1, MAX_TIMEOUT);
    const maxConnections = checkOption('maxConnections', options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, 2, 1000);
    this.#connections = new Connections({ ...options, env: options.env ?? process.env, maxConnections, stallTimeout });
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
