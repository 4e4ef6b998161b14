import { type LookupAddress, lookup as resolveName } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { RegistryError } from '../errors.ts';

/** IPv4 ranges of this host and its link: `[address, prefix length]`. */
const LOCAL_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // unspecified; Linux treats it as loopback
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, including the metadata services of most clouds and of ECS tasks
  ['168.63.129.16', 32], // host service of Azure
  ['100.100.100.200', 32], // metadata service of Alibaba Cloud
  ['192.0.0.192', 32], // metadata service of Oracle Cloud
];

/** IPv6 ranges of this host and its link. */
const LOCAL_IPV6: readonly (readonly [string, number])[] = [
  ['::', 127], // unspecified and loopback
  ['fe80::', 10], // link-local
  ['fd00:ec2::', 32], // metadata service of EC2
  ['fd00:c1::a9fe:a9fe', 128], // metadata service of Oracle Cloud
  ['fd20:ce::254', 128], // metadata service of Google Cloud
  ['64:ff9b:1::', 48], // NAT64 within a network: the network decides where it embeds the IPv4 address (RFC 8215)
];

/** Names of metadata services. A proxy resolves names itself, so that their addresses cannot be checked. */
const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** 96-bit IPv6 prefixes that embed an IPv4 address: IPv4-compatible, IPv4-mapped, NAT64. */
const EMBEDDING_PREFIXES = ['::', '::ffff:', '64:ff9b::'];

const local = new BlockList();
for (const [address, prefix] of LOCAL_IPV4) {
  local.addSubnet(address, prefix, 'ipv4');
  for (const embedding of EMBEDDING_PREFIXES) local.addSubnet(`${embedding}${address}`, 96 + prefix, 'ipv6');
  local.addSubnet(to6to4(address), 16 + prefix, 'ipv6');
}
for (const [address, prefix] of LOCAL_IPV6) local.addSubnet(address, prefix, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Returns the 6to4 prefix of an IPv4 address: `2002:` and its 32 bits. RFC 3056 */
function to6to4(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return `2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::`;
}

/** Reports whether a host, with an optional port, is a loopback name or address. Does not resolve names. */
export function isLoopbackHost(host: string): boolean {
  const name = hostName(host);
  return name === 'localhost' || name.endsWith('.localhost') || isListed(loopback, name);
}

/**
 * Reports whether a host is a loopback, link-local or metadata address, or the name of loopback or of a metadata
 * service. Does not resolve names.
 */
export function isLocalHost(host: string): boolean {
  const name = hostName(host);
  return isLoopbackHost(host) || METADATA_NAMES.has(name) || isListed(local, name);
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
