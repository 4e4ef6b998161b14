import { RegistryError } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import type { Credentials } from './credentials.ts';

/** What a config.json of docker, or an auth.json of podman, says of credentials. */
export interface DockerConfig {
  /** Where it was read, for errors. */
  readonly file: string;
  /** Names of helper programs by host, as {@link canonicalHost} has it. docker's `credHelpers`. */
  readonly helpers: ReadonlyMap<string, string>;
  /** The helper program for every other host. docker's `credsStore`. */
  readonly store: string | undefined;
  /** What stands in the file itself. docker's `auths`. */
  readonly auths: readonly AuthEntry[];
}

interface AuthEntry {
  /** As it stands in the file, for errors. */
  readonly key: string;
  readonly host: string;
  /** The namespace or repository it is for; empty for the whole registry. */
  readonly path: string;
  /** Decoded when it is wanted: a damaged entry is nobody's affair but its own registry's. */
  readonly entry: unknown;
}

/** The names under which people and tools know Docker Hub. */
const DOCKER_HUB_HOSTS: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** What docker files Docker Hub's credentials under, and asks helpers for. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** One name for each registry: lower case, and `docker.io` for all names of Docker Hub. */
export function canonicalHost(host: string): string {
  const name = host.toLowerCase();
  return DOCKER_HUB_HOSTS.has(name) ? 'docker.io' : name;
}

/** What a credential helper calls a registry. */
export function helperServer(host: string): string {
  return canonicalHost(host) === 'docker.io' ? DOCKER_HUB_KEY : host;
}

/**
 * Reads the text of a configuration. Nothing of the text reaches an error: it is full of secrets.
 *
 * @see docker/cli, cli/config/configfile/file.go; containers/image, docs/containers-auth.json.5.md
 */
export function parseDockerConfig(text: string, file: string): DockerConfig {
  const invalid = (problem: string) => new RegistryError('CREDENTIALS_INVALID', problem);
  const config = parseJson(text);
  if (config === undefined) throw invalid(`${file} is no JSON: mend it, or log in again`);
  if (!isRecord(config)) throw invalid(`${file} holds no JSON object`);
  const { auths = {}, credHelpers = {}, credsStore } = config;
  if (!isRecord(auths)) throw invalid(`auths in ${file} is no JSON object`);
  if (!isRecord(credHelpers)) throw invalid(`credHelpers in ${file} is no JSON object`);
  const helpers = new Map<string, string>();
  for (const [key, name] of Object.entries(credHelpers)) {
    // An empty name is how docker says "no helper for this one".
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
 * Finds what the file itself holds for a repository: the entry of the longest namespace around it, as podman does, or
 * the one of the whole registry; undefined where there is none, or an empty one (docker leaves those for its store).
 */
export function findAuth(config: DockerConfig, host: string, repository: string | undefined): Credentials | undefined {
  const wanted = canonicalHost(host);
  const entries = config.auths
    .filter((auth) => auth.host === wanted && contains(auth.path, repository))
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

/** `host`, `host/namespace`, and docker's old `https://host/v1/`, whose path is none of a repository's. */
function splitKey(key: string): { readonly host: string; readonly path: string } {
  const bare = key.replace(/^https?:\/\//, '');
  const slash = bare.indexOf('/');
  const host = canonicalHost(slash === -1 ? bare : bare.slice(0, slash));
  const path = slash === -1 || bare !== key ? '' : bare.slice(slash + 1).replace(/\/+$/, '');
  return { host, path: path === 'v1' || path === 'v2' ? '' : path };
}

function readEntry({ key, entry }: AuthEntry, file: string): Credentials | undefined {
  const invalid = (what: string) =>
    new RegistryError('CREDENTIALS_INVALID', `the entry of ${JSON.stringify(key)} in ${file} ${what}: log in again`);
  if (!isRecord(entry)) throw invalid('is no JSON object');
  const { registrytoken, identitytoken, auth, username, password } = entry;
  if (isText(registrytoken)) return { kind: 'registry-token', token: registrytoken };
  if (isText(identitytoken)) return { kind: 'identity-token', token: identitytoken };
  if (isText(auth)) {
    const decoded = Buffer.from(auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 1) throw invalid('has an auth that is not the Base64 of NAME:PASSWORD');
    // Old versions of docker padded passwords with zeros; docker itself strips them.
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
