import { quoteText } from '@soci/oci';
import { flag, parseText, valueOption } from '../command/option.ts';
import { parseCount } from '../command/size.ts';
import { usageError } from '../errors.ts';
import { CONVERT_OPTIONS } from '../image/index-options.ts';
import { POLICY_OPTIONS } from './bulk-options.ts';

/** Default number of images at a time. */
export const DEFAULT_IMAGE_JOBS = 4;
const MAX_IMAGE_JOBS = 256;
const MAX_LIMIT = 100_000_000;
const MIN_RATE = 0.1;
const MAX_RATE = 100_000;

/** Manifests per second that are pushed to Amazon ECR by default: half of the quota of a Region, which all clients share. */
export const DEFAULT_ECR_RATE = 5;

/** Options of `backfill`: those of `convert`, and how to run it for many images. */
export const BACKFILL_OPTIONS = {
  limit: valueOption('N', parseCount(MAX_LIMIT), 'index at most N images'),
  jobs: valueOption('N', parseCount(MAX_IMAGE_JOBS), `index N images at a time (default ${DEFAULT_IMAGE_JOBS})`),
  rate: valueOption('N/s', parseRate, `push at most N manifests/s (default ECR: ${DEFAULT_ECR_RATE})`),
  state: valueOption('FILE', parseText, 'record results (default backfill-HOST.jsonl)'),
  'max-cost': valueOption('USD', parseUsd, 'do not start if it may cost more than USD'),
  'dry-run': flag('print plan, time and cost; index nothing'),
  'no-reuse': CONVERT_OPTIONS['no-reuse'],
  force: CONVERT_OPTIONS.force,
  verify: CONVERT_OPTIONS.verify,
  ...POLICY_OPTIONS,
} as const;

/** Parses `5/s`, or `5`. @returns Manifests per second. @throws CliError `USAGE_INVALID` */
function parseRate(text: string): number {
  const [, number] = /^(\d{1,6}(?:\.\d{1,3})?)(?:\/s)?$/.exec(text) ?? [];
  const rate = Number(number);
  if (rate >= MIN_RATE && rate <= MAX_RATE) return rate;
  throw usageError(`${quoteText(text)} is not a rate`, 'Write a number of manifests per second, such as 5/s or 0.5/s.');
}

/** Parses an amount of dollars. @throws CliError `USAGE_INVALID` */
function parseUsd(text: string): number {
  if (/^\$?\d{1,9}(?:\.\d{1,2})?$/.test(text)) return Number(text.replace('$', ''));
  throw usageError(`${quoteText(text)} is not an amount of dollars`, 'Write a number, such as 50.');
}
