import type { RegistryError, RegistryErrorCode } from '@soci/registry';
import { CliError } from '../errors.ts';
import { printable, type Style } from './text.ts';

/** An error as `--json` shows it and as the terminal renders it. */
export interface ErrorDescription {
  /** For programs: the error class's code, or the system's (`ENOSPC`), or `INTERNAL` for a fault of this program. */
  readonly code: string;
  /** For people: what, where, why. */
  readonly message: string;
  /** Byte offset of the fault in the file or stream that the message names, where one is known. */
  readonly offset?: number;
  /** Of a registry's refusal: the request, without its query. */
  readonly request?: string;
  /** The HTTP status of the answer. */
  readonly status?: number;
  /** The registry's own codes and words. */
  readonly refusals?: readonly { readonly code: string; readonly message: string }[];
  /** What to do about it, where something is to be said. */
  readonly remedy?: string;
}

/** What system errors mean to somebody who typed a file name. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'exists already',
  EISDIR: 'is a folder, not a file',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'is not a folder',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** Puts an error of any package, or of the system, into words. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error) };
  const { code, path, offset } = error as { code?: unknown; path?: unknown; offset?: unknown };
  if (typeof code !== 'string')
    return { code: error.name === 'AbortError' ? 'INTERRUPTED' : 'INTERNAL', message: error.message };
  const system = SYSTEM_ERRORS[code];
  const message = system === undefined ? error.message : typeof path === 'string' ? `${path}: ${system}` : system;
  // Told by its name, so that the client for registries is not loaded for it.
  const answer = error.name === 'RegistryError' ? (error as RegistryError) : undefined;
  const remedy = error instanceof CliError ? error.remedy : answer && REMEDIES[answer.code];
  return {
    code,
    message,
    ...(typeof offset === 'number' && { offset }),
    ...(answer?.request !== undefined && { request: answer.request }),
    ...(answer?.status !== undefined && { status: answer.status }),
    ...(answer && answer.refusals.length > 0 && { refusals: answer.refusals }),
    ...(remedy !== undefined && { remedy }),
  };
}

/** The same for a fault in a file whose name the error does not know. */
export function describeErrorAt(path: string, error: unknown): ErrorDescription {
  const described = describeError(error);
  return described.message.includes(path) ? described : { ...described, message: `${path}: ${described.message}` };
}

/** An error in a file whose name the error does not know: its code and offset stay, its message names the file. */
export function errorIn(path: string, cause: unknown): CliError {
  const { code, message, offset } = describeErrorAt(path, cause);
  return new CliError(code, message, { cause, offset });
}

/** The lines that standard error gets: what, then why, then what to do. */
export function renderError(error: unknown, program: string, style: Style, debug: boolean): string[] {
  const description = describeError(error);
  const { code, message, remedy } = description;
  const lines = renderDescription(description, program, style);
  for (const cause of causesOf(error)) {
    const described = describeError(cause);
    const isSaid = message.includes(described.message) || (cause instanceof Error && message.includes(cause.message));
    if (!isSaid) lines.push(`  because: ${printable(described.message)} ${style.dim(`[${described.code}]`)}`);
  }
  if (remedy) lines.push(`  ${remedy}`);
  if (code === 'INTERNAL' && !debug) lines.push(`  This is a fault of ${program} itself; --debug says where.`);
  if (debug && error instanceof Error && error.stack) lines.push(style.dim(error.stack));
  return lines;
}

/** What and where, in a line or two. */
export function renderDescription(
  { code, message, offset }: ErrorDescription,
  program: string,
  style: Style,
): string[] {
  const lines = [`${style.red(`${program}:`)} ${printable(message)} ${style.dim(`[${code}]`)}`];
  if (offset !== undefined && !message.includes(String(offset))) lines.push(`  at byte ${offset}`);
  return lines;
}

/** Causes underneath, the nearest first; at most four, since chains may be circular. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < 4) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** The options of the command line that help: what else is to be done the errors say themselves. */
const REMEDIES: { readonly [Code in RegistryErrorCode]?: string } = {
  ACCESS_DENIED: 'Other credentials are given with --username NAME --password-stdin, or with --authfile FILE.',
  AUTHENTICATION_FAILED: 'Credentials are given with --username NAME --password-stdin, or with --authfile FILE.',
  CONNECTION_FAILED: 'Behind a proxy set HTTPS_PROXY; for a registry without TLS say --plain-http.',
  RATE_LIMITED: 'Wait a little, or have requests sent again more often with --retry-times N.',
  TLS_FAILED: 'A certificate authority is named with --ca-file FILE; for a registry without TLS say --plain-http.',
};
