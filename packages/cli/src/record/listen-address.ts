import { isIP } from 'node:net';
import { quoteText } from '@soci/oci';
import { usageError } from '../errors.ts';

/** An address to listen on. */
export interface ListenAddress {
  /** An IP address. */
  readonly host: string;
  /** 0 for a free port. */
  readonly port: number;
}

/** Only this machine can connect. */
export const LOOPBACK: ListenAddress = { host: '127.0.0.1', port: 0 };

/** Parses `ADDRESS:PORT`, `[IPV6]:PORT`, an address without a port, or `:PORT` for this machine. @throws CliError `USAGE_INVALID` */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain = '', digits = '0'] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = isIP(text) === 6 ? text : (bracketed ?? (plain === '' ? LOOPBACK.host : plain));
  const port = isIP(text) === 6 ? 0 : Number(digits);
  if (isIP(host) === 0 || (bracketed !== undefined && isIP(bracketed) !== 6) || port > 65_535 || text === '') {
    throw usageError(`${quoteText(text)} is not an address`, 'Write IP:PORT, such as 127.0.0.1:5005 or [::1]:5005.');
  }
  return { host, port };
}

/** Reports whether only this machine can connect to an address. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === '::1' || /^127\./.test(host);
}

/** Formats an address as in a URL. */
export function hostText({ host, port }: ListenAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
