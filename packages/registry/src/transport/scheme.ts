import tls from 'node:tls';
import { RegistryError } from '../errors.ts';
import { CONNECTION_REMEDY, errorCode } from './connection-error.ts';
import { bareHost, isLoopbackHost } from './local-address.ts';

/** Scheme of requests to a registry. */
export type Scheme = 'http' | 'https';

/** Timeout of the TLS handshake with a loopback host, in milliseconds. */
const HANDSHAKE_TIMEOUT = 10_000;

/**
 * Determines the scheme of a registry without sending a request: HTTPS, unless `plainHttp` says otherwise or a loopback
 * host does not answer a TLS handshake.
 *
 * @param plainHttp - See `RegistryOptions`.
 * @throws RegistryError `CONNECTION_FAILED`, `STALLED` if the loopback host cannot be reached
 */
export async function detectScheme(host: string, plainHttp: boolean | undefined): Promise<Scheme> {
  if (plainHttp !== undefined) return plainHttp ? 'http' : 'https';
  if (!isLoopbackHost(host)) return 'https';
  const url = new URL(`https://${host}`);
  const outcome = await tryTlsHandshake(url);
  if (outcome === 'done') return 'https';
  const request = `CONNECT ${url.host}`;
  if (outcome === 'stalled')
    throw new RegistryError('STALLED', `${request}: no response within ${HANDSHAKE_TIMEOUT / 1000} s`, { request });
  // Without an explicit port, HTTP uses port 80, on which the registry may listen.
  if (errorCode(outcome) !== 'ECONNREFUSED' || url.port === '') return 'http';
  const message = `${request}: the connection failed (ECONNREFUSED): ${CONNECTION_REMEDY}`;
  throw new RegistryError('CONNECTION_FAILED', message, { cause: outcome, request });
}

/** Does not verify the certificate: the requests do. */
function tryTlsHandshake(url: URL): Promise<'done' | 'stalled' | Error> {
  const host = bareHost(url);
  return new Promise((resolve) => {
    const socket = tls.connect({ host, port: Number(url.port || 443), rejectUnauthorized: false });
    const timer = setTimeout(() => settle('stalled'), HANDSHAKE_TIMEOUT);
    const settle = (outcome: 'done' | 'stalled' | Error) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    socket.once('secureConnect', () => settle('done')).on('error', settle);
    // Node.js emits only this event if the server closes the connection during the handshake.
    socket.once('close', () => settle(new Error('closed')));
  });
}
