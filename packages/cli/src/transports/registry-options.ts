import { readFile } from 'node:fs/promises';
import type { RegistryOptions } from '@soci/registry';
import type { CommandContext } from '../command/command.ts';
import { excluding, flag, type OptionValues, omitUndefined, parseText, valueOption } from '../command/option.ts';
import { parseCount } from '../command/size.ts';
import { CliError, usageError } from '../errors.ts';
import { throwFileError } from '../terminal/describe-error.ts';
import { type ImageLocation, isStandardInput } from './location.ts';

const MAX_RETRIES = 100;

/** One hour, in seconds. */
const MAX_STALL_TIMEOUT = 3600;

/** Maximum size of a password or token on standard input, in bytes. */
const MAX_PASSWORD_SIZE = 64 << 10;

/** Maximum size of a certificate file, in bytes. A system's CA bundle has about 200 KiB. */
const MAX_CA_FILE_SIZE = 1 << 20;

/** Options of every command that accepts an image. Names follow skopeo and oras if they have the option. */
export const REGISTRY_OPTIONS = {
  username: excluding(valueOption('NAME', parseText, 'log in as NAME; needs --password-stdin'), 'authfile'),
  'password-stdin': excluding(flag('read the password or token from stdin'), 'authfile'),
  authfile: valueOption('FILE', parseText, 'read credentials from a docker config file'),
  'plain-http': flag('use HTTP instead of HTTPS'),
  'ca-file': valueOption('FILE', parseText, 'trust the PEM certificates in FILE as well'),
  'cert-file': valueOption('FILE', parseText, 'present the PEM client certificate in FILE'),
  'key-file': valueOption('FILE', parseText, 'read the key of --cert-file from FILE (PEM)'),
  'retry-times': valueOption('N', parseCount(MAX_RETRIES, 0), 'retry a failed request N times (default 5)'),
  'stall-timeout': valueOption('SECONDS', parseCount(MAX_STALL_TIMEOUT), 'reconnect after SECONDS idle (default 30)'),
} as const;

/** How to connect to registries, from the command-line options. */
export interface RegistryAccess
  extends Pick<RegistryOptions, 'ca' | 'cert' | 'key' | 'plainHttp' | 'retry' | 'stallTimeout'> {
  /** Environment variables, for proxies and credentials. */
  readonly env: CommandContext['env'];
  /** Receives one line per request, for `--debug`. The lines have no secrets. */
  readonly trace: (line: string) => void;
  /** Receives warnings about credential helpers. @default `process.emitWarning` */
  readonly warn?: (line: string) => void;
  /** User name and password. @default AWS credentials for Amazon ECR, docker credentials for other hosts */
  readonly account?: { readonly username: string; readonly password: string };
  /** Credential file in the format of docker's `config.json`. @default docker's own file */
  readonly authFile?: string;
}

/**
 * Converts command-line options to registry settings. Reads the password, the certificates and the key.
 *
 * @param locations - Images on the command line.
 * @throws CliError `USAGE_INVALID` for options that cannot be combined, `SOURCE_INVALID` for an unusable password,
 * certificate or key file.
 */
export async function toRegistryAccess(
  options: OptionValues<typeof REGISTRY_OPTIONS>,
  locations: readonly ImageLocation[],
  { env, stdin, output }: CommandContext,
): Promise<RegistryAccess> {
  checkCombination(options, locations);
  const {
    username,
    'ca-file': caFile,
    'cert-file': certFile,
    'key-file': keyFile,
    'retry-times': retries,
    'stall-timeout': stallTimeout,
  } = options;
  return {
    env,
    trace: (line) => output.trace(line),
    warn: (line) => output.warn(line),
    ...omitUndefined({
      account: username === undefined ? undefined : { username, password: await readPassword(stdin) },
      authFile: options.authfile,
      plainHttp: options['plain-http'] || undefined,
      ca: caFile === undefined ? undefined : await readCertificates(caFile),
      cert: certFile === undefined ? undefined : await readCertificates(certFile),
      key: keyFile === undefined ? undefined : await readPrivateKey(keyFile),
      retry: retries === undefined ? undefined : { maxAttempts: retries + 1 },
      stallTimeout: stallTimeout === undefined ? undefined : stallTimeout * 1000,
    }),
  };
}

function checkCombination(options: OptionValues<typeof REGISTRY_OPTIONS>, locations: readonly ImageLocation[]): void {
  const { username, 'password-stdin': readsPassword } = options;
  if ((username !== undefined) !== readsPassword) {
    throw usageError(
      '--username and --password-stdin must be used together',
      'Example: --username NAME --password-stdin < password-file',
    );
  }
  const [source] = locations;
  if (readsPassword && source !== undefined && isStandardInput(source)) {
    throw usageError(
      `cannot read the password and ${source.text} from standard input`,
      'Run "docker login", or use --authfile.',
    );
  }
  if ((options['cert-file'] === undefined) !== (options['key-file'] === undefined)) {
    throw usageError('--cert-file and --key-file must be used together');
  }
  const hosts = new Set(locations.flatMap((location) => (location.transport === 'registry' ? [location.host] : [])));
  if (username !== undefined && hosts.size > 1) {
    throw usageError(
      `--username applies to one registry, but the command uses two: ${[...hosts].join(', ')}`,
      'Run "docker login" for both, or use --authfile.',
    );
  }
}

/** Reads standard input to its end, without the final newline that `echo` and editors add. */
async function readPassword(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    size += chunk.length;
    if (size > MAX_PASSWORD_SIZE) {
      throw new CliError('SOURCE_INVALID', `the password on standard input is longer than ${MAX_PASSWORD_SIZE} bytes`);
    }
    chunks.push(chunk);
  }
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (password !== '') return password;
  throw new CliError('SOURCE_INVALID', 'no password on standard input', {
    remedy: 'Pass it with < or a pipe: aws ecr get-login-password | soci-index ... --password-stdin',
  });
}

async function readCertificates(file: string): Promise<string> {
  const certificates = await readFile(file, 'utf8').catch(throwFileError(file));
  if (certificates.length <= MAX_CA_FILE_SIZE && certificates.includes('-----BEGIN CERTIFICATE-----'))
    return certificates;
  throw new CliError('SOURCE_INVALID', `${file} has no PEM certificates`, {
    remedy: 'A PEM certificate starts with -----BEGIN CERTIFICATE-----.',
  });
}

async function readPrivateKey(file: string): Promise<string> {
  const key = await readFile(file, 'utf8').catch(throwFileError(file));
  if (key.length <= MAX_CA_FILE_SIZE && /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----/.test(key)) return key;
  throw new CliError('SOURCE_INVALID', `${file} has no unencrypted PEM private key`, {
    remedy: 'Decrypt the key with "openssl pkey -in FILE -out NEW", and protect the new file.',
  });
}
