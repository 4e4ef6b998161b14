import { parseText, valueOption } from '../command/option.ts';
import { parsePositiveSize } from '../command/size.ts';

/** Options of the commands that build zTOCs. */
export const ZTOC_OPTIONS = {
  'span-size': valueOption('SIZE', parsePositiveSize, 'set span size, uncompressed (default 4 MiB)'),
  'build-tool-identifier': valueOption('TEXT', parseText, 'record TEXT as the build tool in each zTOC'),
} as const;
