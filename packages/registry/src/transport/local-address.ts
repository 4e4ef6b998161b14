import { type LookupAddress, lookup as resolveName } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { RegistryError } from '../errors.ts';

/** IPv4 ranges of this host and its link: `[address, prefix length]`. */
const LOCAL_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // unspecified; Linux treats it as loopback
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, including the metadata services of clouds and of ECS tasks
];

/** IPv6 ranges of this host and its link. */
const LOCAL_IPV6: readonly (readonly [string, number])[] = [
  ['::', 127], // unspecified and loopback
  ['fe80::', 10], // link-local
  ['fd00:ec2::', 32], // metadata service of EC2
];

/** 96-bit IPv6 prefixes that embed an IPv4 address: IPv4-compatible, IPv4-mapped, NAT64. */
const EMBEDDING_PREFIXES = ['::', '::ffff:', '64:ff9b::'];

const local = new BlockList();
for (const [address, prefix] of LOCAL_IPV4) {
  local.addSubnet(address, prefix, 'ipv4');
  for (const embedding of EMBEDDING_PREFIXES) local.addSubnet(`${embedding}${address}`, 96 + prefix, 'ipv6');
}
for (const [address, prefix] of LOCAL_IPV6) local.addSubnet(address, prefix, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Reports whether a host, with an optional port, is a loopback name or address. Does not resolve names. */
export function isLoopbackHost(host: string): boolean {
  const name = hostName(host);
  return name === 'localhost' || name.endsWith('.localhost') || isListed(loopback, name);
}

/** Reports whether a host is a loopback, link-local or metadata address, or a loopback name. Does not resolve names. */
export function isLocalHost(host: string): boolean {
  return isLoopbackHost(host) || isListed(local, hostName(host));
}

/**
 * Returns a lookup function that rejects names that resolve to a loopback, link-local or metadata address. The socket
 * connects to the checked addresses, so DNS rebinding does not circumvent the check.
 *
 * @param resolve - Resolves host names.
 */
export function guardLookup(resolve: LookupFunction = resolveName as LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, options, (error, found, family) => {
      if (error !== null) return callback(error, found, family);
      const addresses = (typeof found === 'string' ? [{ address: found }] : found) as readonly LookupAddress[];
      const blocked = addresses.find(({ address }) => isListed(local, address.split('%', 1)[0] ?? ''));
      if (blocked === undefined) return callback(null, found, family);
      const problem = `refusing redirect to a loopback, link-local or metadata address`;
      callback(new RegistryError('REDIRECT_REFUSED', `${problem}: ${hostname} resolves to ${blocked.address}`), '', 0);
    });
  };
}

function isListed(list: BlockList, name: string): boolean {
  const version = isIP(name);
  return version !== 0 && list.check(name, version === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Returns the normalized host name of `host`, `host:port` or `[::1]:port`: `127.1` is 127.0.0.1 and `LOCALHOST.` is
 * localhost.
 */
function hostName(host: string): string {
  if (!URL.canParse(`http://${host}`)) return '';
  return bareHost(new URL(`http://${host}`)).replace(/\.$/, '');
}

/** Returns the host of a URL for a socket: an IPv6 address without brackets. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
