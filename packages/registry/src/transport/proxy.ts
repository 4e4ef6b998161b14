import { BlockList, isIP } from 'node:net';
import type { Environment } from '../environment.ts';
import { RegistryError } from '../errors.ts';
import { bareHost, isLoopbackHost } from './local-address.ts';

/**
 * The proxy through which a URL is reached, as `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case.
 * This machine is never reached through one.
 *
 * @throws RegistryError `OPTION_INVALID` where one is named that is no http or https URL.
 */
export function findProxy(url: URL, env: Environment): URL | undefined {
  if (isLoopbackHost(url.host)) return undefined;
  const isSecure = url.protocol === 'https:';
  const named = (isSecure ? read(env, 'https_proxy') : readHttpProxy(env)) ?? read(env, 'all_proxy');
  if (named === undefined || isExempt(url, read(env, 'no_proxy') ?? '')) return undefined;
  const text = named.includes('://') ? named : `http://${named}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  // Its text may hold a password.
  const message = `the proxy that the environment names for ${url.origin} is no http or https URL`;
  throw new RegistryError('OPTION_INVALID', message);
}

/** A CGI script gets the request's `Proxy` header as HTTP_PROXY: there only the variable in lower case is the user's. */
function readHttpProxy(env: Environment): string | undefined {
  return env.REQUEST_METHOD === undefined ? read(env, 'http_proxy') : env.http_proxy;
}

function read(env: Environment, name: string): string | undefined {
  return env[name] || env[name.toUpperCase()] || undefined;
}

/** Whether one of the hosts in `NO_PROXY` is the URL's: `*`, names (their subdomains too), addresses, ranges; with a port or without. */
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
  // The last group of an IPv6 address that is not in brackets is no port.
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

/** What proves to a proxy who asks: the user info of its URL, as a header. */
export function proxyAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decode(username)}:${decode(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** A password with a `%` that begins no code is meant as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Where a proxy is, as options of a request; its certificate is looked at by its own name, not by that of the server. */
export function proxyTarget(proxy: URL): { readonly host: string; readonly port: string; readonly servername: string } {
  const host = bareHost(proxy);
  const port = proxy.port || (proxy.protocol === 'https:' ? '443' : '80');
  return { host, port, servername: isIP(host) === 0 ? host : '' };
}
