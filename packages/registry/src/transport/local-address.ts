import { type LookupAddress, lookup as resolveName } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { RegistryError } from '../errors.ts';

/** IPv4 ranges that are this machine or its link: `[address, prefix length]`. */
const LOCAL_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // unspecified; Linux takes it for loopback
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, metadata services of clouds and of ECS tasks
];

/** The same in IPv6. */
const LOCAL_IPV6: readonly (readonly [string, number])[] = [
  ['::', 127], // unspecified and loopback
  ['fe80::', 10], // link-local
  ['fd00:ec2::', 32], // metadata service of EC2
];

/** IPv6 prefixes of 96 bits that an IPv4 address stands behind: compatible, mapped, translated (NAT64). */
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

/** Whether a URL's host, or a host with a port, is this machine by its very name. What a name resolves to does not count. */
export function isLoopbackHost(host: string): boolean {
  const name = hostName(host);
  return name === 'localhost' || name.endsWith('.localhost') || isListed(loopback, name);
}

/** Whether a URL's host is, by its very name, this machine, its link, or a metadata service. */
export function isLocalHost(host: string): boolean {
  return isLoopbackHost(host) || isListed(local, hostName(host));
}

/**
 * Resolves names as Node does, and refuses those that lead to this machine, its link or a metadata service. The connection
 * is made to the very addresses that were looked at, so a name that changes between two looks gains nothing.
 *
 * @param resolve - Finds the addresses of a name.
 */
export function guardLookup(resolve: LookupFunction = resolveName as LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, options, (error, found, family) => {
      if (error !== null) return callback(error, found, family);
      const addresses = (typeof found === 'string' ? [{ address: found }] : found) as readonly LookupAddress[];
      const refused = addresses.find(({ address }) => isListed(local, address.split('%', 1)[0] ?? ''));
      if (refused === undefined) return callback(null, found, family);
      const problem = `${hostname} is the address ${refused.address}: this machine, its link or a metadata service`;
      callback(new RegistryError('REDIRECT_REFUSED', `${problem} is no place that a registry may lead to`), '', 0);
    });
  };
}

function isListed(list: BlockList, name: string): boolean {
  const version = isIP(name);
  return version !== 0 && list.check(name, version === 4 ? 'ipv4' : 'ipv6');
}

/** The name in `host`, `host:port`, `[::1]:port`, as a URL has it: `127.1` is 127.0.0.1 and `LOCALHOST.` is localhost. */
function hostName(host: string): string {
  if (!URL.canParse(`http://${host}`)) return '';
  return bareHost(new URL(`http://${host}`)).replace(/\.$/, '');
}

/** The host of a URL as a socket takes it: an IPv6 address without its brackets. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
