import { quoteText } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import type { Credentials } from './credentials.ts';

/** The credentials in a config.json of docker or an auth.json of podman. */
export interface DockerConfig {
  /** Path of the file, for errors. */
  readonly file: string;
  /**
   * Names of credential helpers by host, as returned by {@link canonicalHost}. `credHelpers` in docker's configuration.
   */
  readonly helpers: ReadonlyMap<string, string>;
  /** Name of the credential helper for all other hosts. `credsStore` in docker's configuration. */
  readonly store: string | undefined;
  /** Credentials in the file itself. `auths` in docker's configuration. */
  readonly auths: readonly AuthEntry[];
}

interface AuthEntry {
  /** Key of the entry in the file, for errors. */
  readonly key: string;
  readonly host: string;
  /** Namespace or repository; empty for the whole registry. */
  readonly path: string;
  /** Decoded on use, so that an invalid entry affects only its own registry. */
  readonly entry: unknown;
}

/** Host names of Docker Hub in use. */
const DOCKER_HUB_HOSTS: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** Key of Docker Hub in docker's configuration and for credential helpers. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** Returns the canonical host of a registry: in lower case, and `docker.io` for all names of Docker Hub. */
export function canonicalHost(host: string): string {
  const name = host.toLowerCase();
  return DOCKER_HUB_HOSTS.has(name) ? 'docker.io' : name;
}

/** Returns the name of a registry for credential helpers. */
export function helperServer(host: string): string {
  return canonicalHost(host) === 'docker.io' ? DOCKER_HUB_KEY : host;
}

/**
 * Parses a configuration. Errors do not quote it, because it contains secrets. An empty file, and null for any object,
 * mean that there is nothing. Unknown keys are ignored.
 *
 * @see docker/cli, cli/config/configfile/file.go; containers/image, docs/containers-auth.json.5.md
 */
export function parseDockerConfig(text: string, file: string): DockerConfig {
  const invalid = (problem: string) => new RegistryError('CREDENTIALS_INVALID', problem);
  const json = text.replace(/^\uFEFF/, ''); // editors on Windows add a byte order mark
  const config = json.trim() === '' ? {} : (parseJson(json) ?? (json.trim() === 'null' ? {} : undefined));
  if (config === undefined) throw invalid(`${file} is not valid JSON: fix the file or log in again`);
  if (!isRecord(config)) throw invalid(`${file} is not a JSON object: fix the file or log in again`);
  const auths = config.auths ?? {};
  const credHelpers = config.credHelpers ?? {};
  const { credsStore } = config;
  if (!isRecord(auths)) throw invalid(`auths in ${file} is not a JSON object: fix the file or log in again`);
  if (!isRecord(credHelpers)) throw invalid(`credHelpers in ${file} is not a JSON object: fix the file`);
  const helpers = new Map<string, string>();
  for (const [key, name] of Object.entries(credHelpers)) {
    // In docker's configuration, an empty name means no helper for this host.
    if (typeof name === 'string' && name !== '') helpers.set(splitKey(key).host, name);
  }
  return {
    file,
    helpers,
    store: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
    auths: Object.entries(auths).map(([key, entry]) => ({ key, ...splitKey(key), entry })),
  };
}

/**
 * Finds the credentials of a repository in the file: the entry of the longest matching namespace, as podman does, or
 * that of the registry. Returns undefined if there is no entry, or an empty one, which docker writes if credentials are
 * in a store.
 *
 * @see containers/image, docs/containers-auth.json.5.md
 */
export function findAuth(config: DockerConfig, host: string, repository: string | undefined): Credentials | undefined {
  const canonical = canonicalHost(host);
  const entries = config.auths
    .filter((auth) => auth.host === canonical && contains(auth.path, repository))
    .sort((a, b) => b.path.length - a.path.length);
  for (const auth of entries) {
    const credentials = readEntry(auth, config.file);
    if (credentials !== undefined) return credentials;
  }
  return undefined;
}

function contains(namespace: string, repository: string | undefined): boolean {
  return namespace === '' || repository === namespace || repository?.startsWith(`${namespace}/`) === true;
}

/** Parses `host`, `host/namespace`, and docker's old form `https://host/v1/`, whose path is not a namespace. */
function splitKey(key: string): { readonly host: string; readonly path: string } {
  const bare = key.replace(/^https?:\/\//, '');
  const slash = bare.indexOf('/');
  const host = canonicalHost(slash === -1 ? bare : bare.slice(0, slash));
  const path = slash === -1 || bare !== key ? '' : bare.slice(slash + 1).replace(/\/+$/, '');
  return { host, path: path === 'v1' || path === 'v2' ? '' : path };
}

function readEntry({ key, entry }: AuthEntry, file: string): Credentials | undefined {
  const invalid = (problem: string) =>
    new RegistryError('CREDENTIALS_INVALID', `the entry ${quoteText(key)} in ${file} ${problem}: log in again`);
  if (entry === null) return undefined;
  if (!isRecord(entry)) throw invalid('is not a JSON object');
  const { registrytoken, identitytoken, auth, username, password } = entry;
  if (isText(registrytoken)) return { kind: 'registry-token', token: registrytoken };
  if (isText(identitytoken)) return { kind: 'identity-token', token: identitytoken };
  if (isText(auth)) {
    const decoded = Buffer.from(auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 1) throw invalid('has an invalid auth, expected the Base64 encoding of USERNAME:PASSWORD');
    // Old versions of docker padded passwords with NUL characters; docker also strips them.
    return {
      kind: 'password',
      username: decoded.slice(0, colon),
      password: decoded.slice(colon + 1).replaceAll('\0', ''),
    };
  }
  if (isText(username) && isText(password)) return { kind: 'password', username, password };
  return undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
