import { BlockList, isIP } from 'node:net';
import type { Environment } from '../environment.ts';
import { RegistryError } from '../errors.ts';
import { bareHost, isLoopbackHost } from './local-address.ts';

/**
 * Returns the proxy for a URL, according to `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` in upper or lower
 * case. Loopback hosts are never proxied.
 *
 * @throws RegistryError `OPTION_INVALID` if the proxy is not an http or https URL
 */
export function findProxy(url: URL, env: Environment): URL | undefined {
  if (isLoopbackHost(url.host)) return undefined;
  const isSecure = url.protocol === 'https:';
  const named = (isSecure ? read(env, 'https_proxy') : readHttpProxy(env)) ?? read(env, 'all_proxy');
  if (named === undefined || isExempt(url, read(env, 'no_proxy') ?? '')) return undefined;
  const text = named.includes('://') ? named : `http://${named}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  // The value is not quoted: it may contain a password.
  const message = `the proxy for ${url.origin} is not an http or https URL: check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY`;
  throw new RegistryError('OPTION_INVALID', message);
}

/**
 * In a CGI script HTTP_PROXY contains the `Proxy` header of the request, so only the lower-case variable is trusted.
 */
function readHttpProxy(env: Environment): string | undefined {
  return env.REQUEST_METHOD === undefined ? read(env, 'http_proxy') : env.http_proxy;
}

function read(env: Environment, name: string): string | undefined {
  return env[name] || env[name.toUpperCase()] || undefined;
}

/**
 * Reports whether `NO_PROXY` matches a URL. Entries are `*`, host names (which include subdomains), addresses and CIDR
 * ranges, with an optional port.
 */
function isExempt(url: URL, exemptions: string): boolean {
  const host = bareHost(url);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return exemptions
    .toLowerCase()
    .split(/[\s,]+/)
    .map(parseExemption)
    .some((exemption) => (exemption.port ?? port) === port && matches(exemption.name, host));
}

function parseExemption(text: string): { readonly name: string; readonly port?: string | undefined } {
  // The last group of an IPv6 address without brackets is not a port.
  if (isIP(text.split('/', 1)[0] ?? '') === 6) return { name: text };
  const [, name = '', port] = /^\[?(.+?)\]?(?::(\d+))?$/.exec(text) ?? [];
  return { name, port };
}

function matches(exemption: string, host: string): boolean {
  if (exemption === '') return false;
  if (exemption === '*') return true;
  const [base = '', length] = exemption.split('/', 2);
  const version = isIP(base);
  if (length !== undefined && version !== 0) return isInRange(host, base, Number(length), version);
  if (version !== 0) return base === host;
  const suffix = exemption.replace(/^\*?\.?/, '');
  return (host === suffix && !exemption.startsWith('.')) || host.endsWith(`.${suffix}`);
}

function isInRange(host: string, base: string, length: number, version: number): boolean {
  if (isIP(host) !== version || !(length >= 0 && length <= (version === 4 ? 32 : 128))) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const range = new BlockList();
  range.addSubnet(base, length, family);
  return range.check(host, family);
}

/** Returns the `Proxy-Authorization` header for the user info of a proxy URL. */
export function proxyAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decode(username)}:${decode(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** A `%` that is not an escape is taken literally. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Returns the request options that connect to a proxy. Its certificate is checked against its own name, not that of the
 * server.
 */
export function proxyTarget(proxy: URL): { readonly host: string; readonly port: string; readonly servername: string } {
  const host = bareHost(proxy);
  const port = proxy.port || (proxy.protocol === 'https:' ? '443' : '80');
  return { host, port, servername: isIP(host) === 0 ? host : '' };
}
