import { escapeText } from './escape-text.ts';

/** Maximum length of an error message, in characters. */
const MAX_MESSAGE_LENGTH = 4000;
/** Length of the end of a longer message, in characters. It usually says what to do. */
const KEPT_END = 500;
/** Maximum number of causes of an error that are checked. The limit guards against circular chains. */
const MAX_CAUSES = 8;

/**
 * Base class of errors whose message can quote foreign text, such as a name in an image or the answer of a registry.
 *
 * The message, the stack trace and the causes contain no unprintable characters, see {@link escapeText}. A message of more than
 * 4000 characters is shortened in the middle. A cause with unprintable characters is replaced by an `Error` with the same name,
 * code and stack trace, escaped.
 */
export class PrintableError extends Error {
  /**
   * @param message - Can contain foreign text.
   * @param options - `cause`: the underlying error.
   */
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(boundText(escapeText(message)), 'cause' in options ? { cause: printableCause(options.cause, 1) } : undefined);
  }
}

function boundText(text: string): string {
  if (text.length <= MAX_MESSAGE_LENGTH) return text;
  return `${text.slice(0, MAX_MESSAGE_LENGTH - KEPT_END)}…${text.slice(-KEPT_END)}`;
}

/** Returns a cause unchanged if it is printable, otherwise a copy. */
function printableCause(cause: unknown, depth: number): unknown {
  if (typeof cause === 'string') return boundText(escapeText(cause));
  if (!(cause instanceof Error) || cause instanceof PrintableError || depth > MAX_CAUSES) return cause;
  const message = boundText(escapeText(cause.message));
  const inner = printableCause(cause.cause, depth + 1);
  if (message === cause.message && inner === cause.cause) return cause;
  const { name, code } = cause as { readonly name: string; readonly code?: unknown };
  const stack = printableStack(cause).join('\n');
  const copy = new Error(message, inner === undefined ? undefined : { cause: inner });
  return Object.assign(copy, { name, stack, ...(code !== undefined && { code }) });
}

/**
 * Returns the stack trace of any error as lines without unprintable characters: name and message, then one line for each
 * function. No line of the message becomes a line of the result.
 */
export function printableStack({ name, message, stack = '' }: Error): string[] {
  const start = stack.indexOf(message);
  const functions = start === -1 ? stack : stack.slice(start + message.length);
  const isFunction = (line: string) => /^ {4}at /.test(line);
  return [`${name}: ${boundText(escapeText(message))}`, ...functions.split('\n').filter(isFunction)].map(escapeText);
}
