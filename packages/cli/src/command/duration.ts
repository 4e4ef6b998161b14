import { quoteText } from '@soci/oci';
import { usageError } from '../errors.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** A hundred years, in seconds. */
const MAX_SECONDS = 100 * 365 * 86_400;

/**
 * Parses a duration: a whole number with `s`, `m`, `h`, `d` or `w`, such as `30d`.
 *
 * @returns Seconds.
 * @throws CliError `USAGE_INVALID` for any other text, or more than a hundred years.
 */
export function parseDuration(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit] ?? Number.NaN);
  if (seconds >= 0 && seconds <= MAX_SECONDS) return seconds;
  throw usageError(`${quoteText(text)} is not a duration`, 'Write a number with s, m, h, d or w: 12h, 30d.');
}
