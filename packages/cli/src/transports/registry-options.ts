import { readFile } from 'node:fs/promises';
import type { RegistryOptions } from '@soci/registry';
import type { CommandContext } from '../command/command.ts';
import { defined, flag, type OptionValues, text, valueOption } from '../command/option.ts';
import { parseCount } from '../command/size.ts';
import { CliError, usageError } from '../errors.ts';
import type { ImageLocation } from './location.ts';

const MAX_RETRIES = 100;

/** An hour, in seconds. */
const MAX_STALL_TIMEOUT = 3600;

/** Bytes that a password, or a token in its place, may have: more than any registry gives. */
const MAX_PASSWORD_SIZE = 64 << 10;

/** Bytes that a file of certificates may have: the whole of a system's have a fifth of it. */
const MAX_CA_FILE_SIZE = 1 << 20;

/** Options of every command that takes an image; names are those of skopeo and oras where they have them. */
export const REGISTRY_OPTIONS = {
  username: valueOption(
    'NAME',
    text,
    "who asks the registry, with --password-stdin; without them ECR is asked with AWS's credentials, others with docker's",
  ),
  'password-stdin': flag('read the password, or token, from standard input'),
  authfile: valueOption('FILE', text, "take credentials from this file instead of docker's config.json"),
  'plain-http': flag('speak http to the registry, not https; on this machine that is found out'),
  'ca-file': valueOption('FILE', text, "trust the certificates in this file too (PEM), beside the system's"),
  'retry-times': valueOption(
    'N',
    parseCount(MAX_RETRIES, 0),
    'send a request that failed in passing again so many times (default 5)',
  ),
  'stall-timeout': valueOption(
    'SECONDS',
    parseCount(MAX_STALL_TIMEOUT),
    'give a connection up after so many seconds without a byte, and go on with another (default 30)',
  ),
} as const;

/** How registries are reached: what the command line says of it. */
export interface RegistryAccess extends Pick<RegistryOptions, 'ca' | 'plainHttp' | 'retry' | 'stallTimeout'> {
  /** Where proxies and credentials are named. */
  readonly env: CommandContext['env'];
  /** Told of every request, for `--debug`; nothing in it is secret. */
  readonly trace: (line: string) => void;
  /** Who asks. @default found by the registry's host: AWS's credentials for ECR, docker's for others */
  readonly account?: { readonly username: string; readonly password: string };
  /** File of credentials, as docker writes it. @default docker's own */
  readonly authFile?: string;
}

/**
 * From the command line's options to how registries are reached. Reads the password and the certificates.
 *
 * @param locations - The images that the command line names.
 * @throws CliError `USAGE_INVALID` where options do not go together, `SOURCE_INVALID` for what cannot be used.
 */
export async function toRegistryAccess(
  options: OptionValues<typeof REGISTRY_OPTIONS>,
  locations: readonly ImageLocation[],
  { env, stdin, output }: CommandContext,
): Promise<RegistryAccess> {
  checkCombination(options, locations);
  const { username, 'ca-file': caFile, 'retry-times': retries, 'stall-timeout': stallTimeout } = options;
  return {
    env,
    trace: (line) => output.trace(line),
    ...defined({
      account: username === undefined ? undefined : { username, password: await readPassword(stdin) },
      authFile: options.authfile,
      plainHttp: options['plain-http'] || undefined,
      ca: caFile === undefined ? undefined : await readCertificates(caFile),
      retry: retries === undefined ? undefined : { maxAttempts: retries + 1 },
      stallTimeout: stallTimeout === undefined ? undefined : stallTimeout * 1000,
    }),
  };
}

function checkCombination(options: OptionValues<typeof REGISTRY_OPTIONS>, locations: readonly ImageLocation[]): void {
  const { username, authfile, 'password-stdin': readsPassword } = options;
  if ((username !== undefined) !== readsPassword) {
    throw usageError(
      '--username and --password-stdin go together',
      'Such as: ... --username NAME --password-stdin < password-file',
    );
  }
  if (username !== undefined && authfile !== undefined) {
    throw usageError('--username and --authfile exclude each other');
  }
  const hosts = new Set(locations.flatMap((location) => (location.transport === 'registry' ? [location.host] : [])));
  if (username !== undefined && hosts.size > 1) {
    throw usageError(
      `--username is for one registry, and there are two: ${[...hosts].join(', ')}`,
      'Log in to both with docker login, or name a file with --authfile.',
    );
  }
}

/** The whole of standard input, without the line's end that `echo` and editors leave. */
async function readPassword(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    size += chunk.length;
    if (size > MAX_PASSWORD_SIZE) {
      throw new CliError(
        'SOURCE_INVALID',
        `standard input holds more than ${MAX_PASSWORD_SIZE} bytes: that is no password`,
      );
    }
    chunks.push(chunk);
  }
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (password !== '') return password;
  throw new CliError('SOURCE_INVALID', 'standard input holds no password', {
    remedy: 'Pass it with < or a pipe: aws ecr get-login-password | soci-index ... --password-stdin',
  });
}

async function readCertificates(file: string): Promise<string> {
  const certificates = await readFile(file, 'utf8');
  if (certificates.length <= MAX_CA_FILE_SIZE && certificates.includes('-----BEGIN CERTIFICATE-----'))
    return certificates;
  throw new CliError('SOURCE_INVALID', `${file} holds no certificates in PEM form`, {
    remedy: 'They begin with -----BEGIN CERTIFICATE-----.',
  });
}
