import { escapeText, printableStack } from '@soci/oci';
import type { RegistryError, RegistryErrorCode } from '@soci/registry';
import { CliError } from '../errors.ts';
import type { Style } from './text.ts';

/** An error as `--json` prints it. */
export interface ErrorDescription {
  /** Code of the error class or of the system (`ENOSPC`), or `INTERNAL` for a bug in this program. */
  readonly code: string;
  /** What failed, where, and why. */
  readonly message: string;
  /** Byte offset of the fault in the file or stream of the message, if known. */
  readonly offset?: number;
  /** Request that the registry answered with an error, without its query. */
  readonly request?: string;
  /** HTTP status of the response. */
  readonly status?: number;
  /** Errors in the body of the response. */
  readonly refusals?: readonly { readonly code: string; readonly message: string }[];
  /** What the user can do, if known. Can have several lines. */
  readonly remedy?: string;
}

/** Messages for system errors. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'already exists',
  EISDIR: 'is a directory, not a file',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'file name too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'is not a directory',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
};

/**
 * Describes an error of any package or of the system.
 *
 * @param advice - What the user can do. @default depends on the code of the error
 */
export function describeError(error: unknown, advice?: string): ErrorDescription {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error) };
  const { code, path, offset } = error as { code?: unknown; path?: unknown; offset?: unknown };
  if (typeof code !== 'string')
    return { code: error.name === 'AbortError' ? 'INTERRUPTED' : 'INTERNAL', message: error.message };
  const system = error instanceof CliError ? undefined : SYSTEM_ERRORS[code];
  const message = system === undefined ? error.message : typeof path === 'string' ? `${path}: ${system}` : system;
  // Compares the name instead of using `instanceof`, which would load the registry client.
  const registryError = error.name === 'RegistryError' ? (error as RegistryError) : undefined;
  const remedy =
    advice ??
    (error instanceof CliError ? error.remedy : registryError ? registryRemedy(registryError) : INDEX_REMEDIES[code]);
  return {
    code,
    message,
    ...(typeof offset === 'number' && { offset }),
    ...(registryError?.request !== undefined && { request: registryError.request }),
    ...(registryError?.status !== undefined && { status: registryError.status }),
    ...(registryError && registryError.refusals.length > 0 && { refusals: registryError.refusals }),
    ...(remedy !== undefined && { remedy }),
  };
}

/** Describes an error and adds the path of the file to the message if it is missing. */
export function describeFileError(path: string, error: unknown): ErrorDescription {
  const described = describeError(error);
  // The message can contain a short path by accident: "d" is in "is a directory".
  const isOnlySystemMessage = Object.values(SYSTEM_ERRORS).includes(described.message);
  const hasPath = !isOnlySystemMessage && described.message.includes(path);
  return hasPath ? described : { ...described, message: `${path}: ${described.message}` };
}

/** Wraps an error so that its message has the path of the file. Keeps the code and offset. */
export function wrapFileError(path: string, cause: unknown): CliError {
  const { code, message, offset } = describeFileError(path, cause);
  return new CliError(code, message, { cause, offset });
}

/** Returns a handler that throws an error with the path of the file. Errors of reading have none, if the path is a directory. */
export function throwFileError(path: string): (cause: unknown) => never {
  return (cause) => {
    throw wrapFileError(path, cause);
  };
}

/** How {@link renderError} formats an error. */
export interface RenderOptions {
  /** Name of the program. */
  readonly program: string;
  readonly style: Style;
  /** Whether to print stack traces. */
  readonly debug: boolean;
  /** What the user can do; can have several lines. @default depends on the code of the error */
  readonly advice?: string | undefined;
}

/** Formats an error for standard error: the message, its causes, then what to do. */
export function renderError(error: unknown, { program, style, debug, advice }: RenderOptions): string[] {
  const description = describeError(error, advice);
  const { code, message, remedy } = description;
  const lines = renderDescription(description, program, style);
  for (const cause of causesOf(error)) {
    const described = describeError(cause);
    const isRepeated =
      message.includes(described.message) || (cause instanceof Error && message.includes(cause.message));
    if (!isRepeated) lines.push(`  caused by: ${escapeText(described.message)} ${style.dim(`[${described.code}]`)}`);
  }
  // Only the lines of the advice are its own: a line feed in another remedy can be from the command line.
  const remedies = advice?.split('\n') ?? (remedy === undefined ? [] : [remedy]);
  lines.push(...remedies.map((line) => `  ${escapeText(line)}`));
  if (code === 'INTERNAL' && !debug)
    lines.push(`  This is a bug in ${program}. Run it again with --debug and report the output.`);
  if (debug) {
    const errors = [error, ...causesOf(error)].filter((each) => each instanceof Error);
    lines.push(...errors.flatMap(printableStack).map(style.dim));
  }
  return lines;
}

/** Formats the message, and the byte offset if the message does not have it. */
export function renderDescription(
  { code, message, offset }: ErrorDescription,
  program: string,
  style: Style,
): string[] {
  const lines = [`${style.red(`${program}:`)} ${escapeText(message)} ${style.dim(`[${code}]`)}`];
  if (offset !== undefined && !message.includes(String(offset))) lines.push(`  at byte ${offset}`);
  return lines;
}

/** Returns up to four causes of an error, nearest first. The limit guards against circular chains. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < 4) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** Command-line options that help against errors of `@soci/index`. */
const INDEX_REMEDIES: Readonly<Record<string, string>> = {
  PREFETCH_FILE_NOT_FOUND:
    'Check the path. Only layers with a zTOC are searched. To index the image anyway, add --allow-missing-prefetch.',
};

/** Errors of AWS APIs have no request of a registry, and their messages say what to do. */
function registryRemedy({ code, request }: RegistryError): string | undefined {
  const isAws = request === undefined && (code === 'ACCESS_DENIED' || code === 'AUTHENTICATION_FAILED');
  return isAws ? undefined : REMEDIES[code];
}

/** Command-line options that can help. The registry client does not know them. */
const REMEDIES: { readonly [Code in RegistryErrorCode]?: string } = {
  ACCESS_DENIED: 'To use other credentials, add --username NAME --password-stdin, or --authfile FILE.',
  AUTHENTICATION_FAILED: 'Run "docker login", or add --username NAME --password-stdin, or --authfile FILE.',
  CONNECTION_FAILED: 'Behind a proxy, set HTTPS_PROXY. For a registry without TLS, add --plain-http.',
  RATE_LIMITED: 'Try again later, or retry more often with --retry-times N.',
  TLS_FAILED:
    'To trust its certificate authority, add --ca-file FILE. If it requires a client certificate, add --cert-file FILE ' +
    'and --key-file FILE. For a registry without TLS, add --plain-http.',
};
