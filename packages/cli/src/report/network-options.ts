import { quoteText } from '@soci/oci';
import { usageError } from '../errors.ts';

const BITS: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9 };
const SECONDS: Readonly<Record<string, number>> = { ms: 1e-3, s: 1 };

/** Limits of the network, in bits per second and seconds. */
const MIN_BANDWIDTH = 1e4;
const MAX_BANDWIDTH = 1e12;
const MAX_LATENCY = 10;

/**
 * Parses a bandwidth in bits per second: `100M`, `1G`, `1.5Gbit/s`, `100Mbps`.
 *
 * @throws CliError `USAGE_INVALID` for any other text, or less than 10 kbit/s or more than 1,000 Gbit/s.
 */
export function parseBandwidth(text: string): number {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?) ?([kmg])(?:bit\/s|bps|bit)?$/i.exec(text) ?? [];
  const bits = Number(number) * (BITS[unit.toLowerCase()] ?? Number.NaN);
  if (bits >= MIN_BANDWIDTH && bits <= MAX_BANDWIDTH) return bits;
  throw usageError(`${quoteText(text)} is not a bandwidth`, 'Write bits per second with k, M or G: 100M, 1G.');
}

/**
 * Parses a latency: `10ms`, `0.1s`.
 *
 * @returns Seconds.
 * @throws CliError `USAGE_INVALID` for any other text, or more than 10 s.
 */
export function parseLatency(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?) ?(ms|s)$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit] ?? Number.NaN);
  if (seconds >= 0 && seconds <= MAX_LATENCY) return seconds;
  throw usageError(`${quoteText(text)} is not a latency`, 'Write milliseconds or seconds: 10ms, 0.1s.');
}
