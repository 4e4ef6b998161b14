import tls from 'node:tls';
import { RegistryError } from '../errors.ts';
import { errorCode } from './connection-error.ts';
import { bareHost, isLoopbackHost } from './local-address.ts';

/** How a registry is spoken to. */
export type Scheme = 'http' | 'https';

/** Milliseconds that a registry on this machine may take for a TLS handshake. */
const HANDSHAKE_TIMEOUT = 10_000;

/**
 * Tells how to speak to a registry, without telling it anything: https, except where the user says so, or where a host on
 * this machine does not answer to a TLS handshake.
 *
 * @param plainHttp - As in `RegistryOptions`.
 * @throws RegistryError `CONNECTION_FAILED`, `STALLED` where nothing answers on this machine.
 */
export async function decideScheme(host: string, plainHttp: boolean | undefined): Promise<Scheme> {
  if (plainHttp !== undefined) return plainHttp ? 'http' : 'https';
  if (!isLoopbackHost(host)) return 'https';
  const url = new URL(`https://${host}`);
  const outcome = await shakeHands(url);
  if (outcome === 'done') return 'https';
  const request = `CONNECT ${url.host}`;
  if (outcome === 'stalled')
    throw new RegistryError('STALLED', `${request}: no answer in ${HANDSHAKE_TIMEOUT / 1000} s`, { request });
  // Without a port, http is another one.
  if (errorCode(outcome) !== 'ECONNREFUSED' || url.port === '') return 'http';
  const message = `${request}: the connection failed (ECONNREFUSED)`;
  throw new RegistryError('CONNECTION_FAILED', message, { cause: outcome, request });
}

/** Whom the certificate names does not matter here: the requests themselves look at it. */
function shakeHands(url: URL): Promise<'done' | 'stalled' | Error> {
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
    // Node says nothing of a server that hangs up in the middle of a handshake but this.
    socket.once('close', () => settle(new Error('closed')));
  });
}
