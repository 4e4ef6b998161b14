import { spawn } from 'node:child_process';
import type { CallOptions } from '@soci/oci';
import { quoteText } from '@soci/oci';
import type { Environment } from '../environment.ts';
import { RegistryError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { sanitizeText } from '../sanitize-text.ts';
import type { Credentials } from './credentials.ts';

/** Maximum size of the output of a credential helper: 64 KiB. Tokens of ECR have about 3 KiB. */
const MAX_HELPER_OUTPUT = 1 << 16;

/** Timeout of a credential helper in milliseconds: one minute, because some ask the user to unlock a keychain. */
const HELPER_TIMEOUT = 60_000;

/** Maximum length of a helper's message in an error, in characters. */
const MAX_QUOTE = 200;

/** Options of {@link getHelperCredentials}. */
export interface CredentialHelperOptions extends CallOptions {
  /** Environment variables of the helper, including the `PATH` to find it. */
  readonly env: Environment;
  /** Timeout in milliseconds, after which the helper is killed. @default 60,000 */
  readonly timeout?: number;
}

/**
 * Runs `docker-credential-NAME get` for a registry. Returns undefined if the helper has no credentials for it.
 *
 * @param name - Name of the helper, from `credHelpers` or `credsStore` of docker, such as `ecr-login`.
 * @param server - Name of the registry at the helper.
 * @see docker/docker-credential-helpers, README.md, "Development"; client/client.go
 */
export async function getHelperCredentials(
  name: string,
  server: string,
  options: CredentialHelperOptions,
): Promise<Credentials | undefined> {
  // The name comes from a file and must not be a path, which could start any program.
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) {
    throw new RegistryError('CREDENTIALS_INVALID', `invalid name of a credential helper: ${quoteText(name)}`);
  }
  const program = `docker-credential-${name}`;
  const { exitCode, output, messages } = await runHelper(program, server, options);
  if (exitCode !== 0) {
    // All helpers that use docker's library (credentials/error.go) print this to standard output.
    if (/credentials not found/i.test(output)) return undefined;
    const problem = `${program} failed for ${server} (exit code ${exitCode})`;
    throw new RegistryError('CREDENTIALS_INVALID', `${problem}${quoteFailure(messages) || quoteFailure(output)}`);
  }
  const json = parseJson(output);
  const { Username, Secret } = (json ?? {}) as Record<string, unknown>;
  if (typeof Username !== 'string' || typeof Secret !== 'string') {
    const problem = `${program} returned invalid output for ${server}: expected JSON with Username and Secret`;
    throw new RegistryError('CREDENTIALS_INVALID', problem);
  }
  if (Secret === '') return undefined;
  return Username === '<token>'
    ? { kind: 'identity-token', token: Secret }
    : { kind: 'password', username: Username, password: Secret };
}

/** Returns the first line of the output of a failed helper, unless it looks like credentials. */
function quoteFailure(output: string): string {
  const line = sanitizeText(output.trim().split(/[\r\n]/, 1)[0] ?? '', MAX_QUOTE);
  return line === '' || line.includes('{') ? '' : `: ${line}`;
}

function runHelper(
  program: string,
  server: string,
  { env, signal, timeout = HELPER_TIMEOUT }: CredentialHelperOptions,
): Promise<{ readonly exitCode: number | null; readonly output: string; readonly messages: string }> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(program, ['get'], { env: env as NodeJS.ProcessEnv, stdio: ['pipe', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let messages = '';
    let size = 0;
    const end = (error: unknown) => {
      // A child process of the helper may keep its output open, so reject now.
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      settle();
      reject(error);
    };
    const timer = setTimeout(() => {
      end(new RegistryError('STALLED', `${program} did not finish for ${server} within ${timeout} ms`));
    }, timeout);
    const abort = () => end(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const remedy = cause.code === 'ENOENT' ? 'install it, or remove it from the docker configuration' : cause.code;
      end(new RegistryError('CREDENTIALS_INVALID', `cannot run ${program} for ${server}: ${remedy}`, { cause }));
    });
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= MAX_HELPER_OUTPUT) return;
      end(new RegistryError('LIMIT_EXCEEDED', `${program} printed more than ${MAX_HELPER_OUTPUT} bytes`));
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (messages.length < MAX_HELPER_OUTPUT) messages += chunk.toString('utf8');
    });
    child.once('close', (exitCode) => {
      settle();
      resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8'), messages });
    });
    // A helper may exit without reading its input. Only its exit code matters.
    child.stdin.once('error', () => undefined);
    child.stdin.end(`${server}\n`);
  });
}
