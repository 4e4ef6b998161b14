import { parseText, valueOption } from '../command/option.ts';
import { parsePositiveSize } from '../command/size.ts';

/** Maximum of `--jobs`. */
export const MAX_JOBS = 256;

/** Options of the commands that build zTOCs. */
export const ZTOC_OPTIONS = {
  'span-size': valueOption('SIZE', parsePositiveSize, 'set span size, uncompressed (default 4 MiB)'),
  'build-tool-identifier': valueOption('TEXT', parseText, 'record TEXT as the build tool in each zTOC'),
} as const;
