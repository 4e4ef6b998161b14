import { parsePlatform, quoteText } from '@soci/oci';
import { excluding, flag, parseText, valueOption } from '../command/option.ts';
import { usageError } from '../errors.ts';
import { CONVERT_OPTIONS } from '../image/index-options.ts';
import { REGISTRY_OPTIONS } from '../transports/registry-options.ts';

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
function parseBandwidth(text: string): number {
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
function parseLatency(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?) ?(ms|s)$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit] ?? Number.NaN);
  if (seconds >= 0 && seconds <= MAX_LATENCY) return seconds;
  throw usageError(`${quoteText(text)} is not a latency`, 'Write milliseconds or seconds: 10ms, 0.1s.');
}

const { jobs, 'min-layer-size': minLayerSize, recompress } = CONVERT_OPTIONS;

/** Options of `report`. */
export const REPORT_OPTIONS = {
  platform: valueOption('PLATFORM', parsePlatform, 'select a platform of a multi-platform image', 'p'),
  profile: excluding(valueOption('FILE', parseText, 'use this profile (default: predict one)'), 'use-stored-profile'),
  'use-stored-profile': flag('use the profile of the repository'),
  html: valueOption('FILE', parseText, 'write the report to FILE, as one page'),
  bandwidth: valueOption('RATE', parseBandwidth, 'assume this bandwidth, in bit/s (default 1G)'),
  latency: valueOption('TIME', parseLatency, 'assume this latency (default 10ms)'),
  'min-layer-size': minLayerSize,
  recompress,
  jobs,
  ...REGISTRY_OPTIONS,
} as const;
