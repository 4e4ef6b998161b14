import { quoteText } from '@soci/oci';
import { usageError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
};

/**
 * Parses a size in bytes: `4194304`, `4MiB`, `4M` (also binary), `1.5GiB`, or `10MB` (decimal).
 *
 * @param others - Other values that the option has, for the error.
 * @throws CliError `USAGE_INVALID` for any other text, a fraction of a byte, or a size above 2^53 - 1.
 */
export function parseSize(text: string, others = ''): number {
  const [, number, name] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const unit = UNITS[name?.toLowerCase() ?? 'none'];
  if (unit === undefined) {
    throw usageError(
      `${quoteText(text)} is not a size`,
      `Write ${others}a number of bytes, or a number with KiB, MiB or GiB: 4194304, 4MiB.`,
    );
  }
  const bytes = Number(number) * unit;
  if (!Number.isSafeInteger(bytes)) {
    throw usageError(`${text} is not a whole number of bytes below 2^53`);
  }
  return bytes;
}

/** Parses a size of at least one byte. */
export function parsePositiveSize(text: string, others?: string): number {
  const bytes = parseSize(text, others);
  if (bytes === 0) throw usageError('the size must be at least one byte');
  return bytes;
}

/** Returns a parser for a whole number from `min` to `max`. */
export function parseCount(max: number, min = 1): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (count < min || count > max) {
      throw usageError(`${quoteText(text)} is not a whole number from ${min} to ${max}`);
    }
    return count;
  };
}
