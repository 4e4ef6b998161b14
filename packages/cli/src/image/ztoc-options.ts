import { DEFAULT_BUILD_TOOL_IDENTIFIER } from '@soci/ztoc';
import { text, valueOption } from '../command/option.ts';
import { parsePositiveSize } from '../command/size.ts';

/** Options of every command that makes zTOCs. */
export const ZTOC_OPTIONS = {
  'span-size': valueOption(
    'SIZE',
    parsePositiveSize,
    'uncompressed bytes between two points where reading can start, such as 4194304 or 4MiB (the default): smaller ' +
      'means less to fetch for one file, and a larger index',
  ),
  'build-tool-identifier': valueOption(
    'TEXT',
    text,
    `who made it; part of the bytes, so digests agree with the reference only by default ("${DEFAULT_BUILD_TOOL_IDENTIFIER}")`,
  ),
} as const;
