import { spawn } from 'node:child_process';
import type { CallOptions } from '@soci/oci';
import type { Environment } from '../environment.ts';
import { RegistryError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Credentials } from './credentials.ts';

/** Bytes of a credential helper's answer. 64 KiB: ECR's tokens have some 3 KiB. */
const MAX_HELPER_OUTPUT = 1 << 16;

/** Milliseconds that a credential helper may take. A minute: some ask their user to unlock a keychain. */
const HELPER_TIMEOUT = 60_000;

/** Characters of a helper's own words that go into an error. */
const MAX_QUOTE = 200;

/** Options of {@link askCredentialHelper}. */
export interface CredentialHelperOptions extends CallOptions {
  /** Variables of the program, and its `PATH`. */
  readonly env: Environment;
  /** Milliseconds after which it is ended. @default 60,000 */
  readonly timeout?: number;
}

/**
 * Asks `docker-credential-NAME get` for a registry; undefined where the helper has nothing for it.
 *
 * @param name - As docker's `credHelpers` and `credsStore` have it, such as `ecr-login`.
 * @param server - As the helper knows the registry.
 * @see docker/docker-credential-helpers, README.md, "Development"; client/client.go
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  options: CredentialHelperOptions,
): Promise<Credentials | undefined> {
  // The name comes from a file: a path in it would start any program.
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) {
    throw new RegistryError('CREDENTIALS_INVALID', `${JSON.stringify(name)} is no name of a credential helper`);
  }
  const program = `docker-credential-${name}`;
  const { exitCode, output } = await runHelper(program, server, options);
  if (exitCode !== 0) {
    // So say all helpers made with docker's library (credentials/error.go), on their standard output.
    if (/credentials not found/i.test(output)) return undefined;
    const problem = `${program} failed for ${server} with exit code ${exitCode}`;
    throw new RegistryError('CREDENTIALS_INVALID', `${problem}${quoteFailure(output)}`);
  }
  const answer = parseJson(output);
  const { Username, Secret } = (answer ?? {}) as Record<string, unknown>;
  if (typeof Username !== 'string' || typeof Secret !== 'string') {
    const problem = `${program} answered for ${server} with something else than {"Username", "Secret"}`;
    throw new RegistryError('CREDENTIALS_INVALID', problem);
  }
  if (Secret === '') return undefined;
  return Username === '<token>'
    ? { kind: 'identity-token', token: Secret }
    : { kind: 'password', username: Username, password: Secret };
}

/** A failed helper's first line, unless it looks like credentials. */
function quoteFailure(output: string): string {
  const line = output.trim().split('\n', 1)[0] ?? '';
  return line === '' || line.includes('{') ? '' : `: ${line.slice(0, MAX_QUOTE)}`;
}

function runHelper(
  program: string,
  server: string,
  { env, signal, timeout = HELPER_TIMEOUT }: CredentialHelperOptions,
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(program, ['get'], { env: env as NodeJS.ProcessEnv, stdio: ['pipe', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (error: unknown) => {
      // What the helper itself started may hold its output open: whoever waits is told now.
      child.kill('SIGKILL');
      child.stdout.destroy();
      settle();
      reject(error);
    };
    const timer = setTimeout(() => {
      end(new RegistryError('STALLED', `${program} did not answer for ${server} within ${timeout} ms`));
    }, timeout);
    const abort = () => end(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const remedy = cause.code === 'ENOENT' ? 'install it, or take it out of the configuration' : cause.code;
      end(new RegistryError('CREDENTIALS_INVALID', `${program} cannot be started for ${server}: ${remedy}`, { cause }));
    });
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= MAX_HELPER_OUTPUT) return;
      end(new RegistryError('LIMIT_EXCEEDED', `${program} answered with more than ${MAX_HELPER_OUTPUT} bytes`));
    });
    child.once('close', (exitCode) => {
      settle();
      resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8') });
    });
    // A helper that ends without reading is judged by its exit code, not by the pipe that it left.
    child.stdin.once('error', () => undefined);
    child.stdin.end(`${server}\n`);
  });
}
