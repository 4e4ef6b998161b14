import { readFile } from 'node:fs/promises';
import {
  DEFAULT_MIN_LAYER_SIZE,
  type IndexImageOptions,
  MAX_PROFILE_SIZE,
  parseProfile,
  type RecompressibleFormat,
  type StartProfile,
} from '@soci/index';
import { OciError, type Platform, parsePlatform } from '@soci/oci';
import {
  DRY_RUN_OPTION,
  excluding,
  flag,
  listOption,
  type OptionValues,
  omitUndefined,
  oneOf,
  parseText,
  suggesting,
  valueOption,
} from '../command/option.ts';
import { parseCount, parsePositiveSize, parseSize } from '../command/size.ts';
import { CliError, usageError } from '../errors.ts';
import { readUpTo } from '../files/read-stream.ts';
import { throwFileError, wrapFileError } from '../terminal/describe-error.ts';
import { formatBytes } from '../terminal/quantity.ts';
import { REGISTRY_OPTIONS } from '../transports/registry-options.ts';
import { RESULT_FILE_OPTIONS } from './result-files.ts';

const MAX_PREFETCH_FILE_SIZE = 16 << 20;

const parsePlatforms = suggesting(['linux/amd64', 'linux/arm64', 'linux/arm/v7'], (words): readonly Platform[] => {
  try {
    return words.split(',').map(parsePlatform);
  } catch (error) {
    if (error instanceof OciError) throw usageError(error.message);
    throw error;
  }
});

const parseSpanSize = suggesting(['auto'], (text): number | 'auto' =>
  text === 'auto' ? text : parsePositiveSize(text, 'auto, '),
);

const parseOptimizations = suggesting(['xattr'], (words) => words.split(',').map(oneOf(['xattr'])));

/** Maximum of `--jobs`. */
export const MAX_JOBS = 256;

/** Options of the commands that build zTOCs. */
export const ZTOC_OPTIONS = {
  'span-size': valueOption('SIZE', parsePositiveSize, 'set span size, uncompressed (default 4 MiB)'),
  'build-tool-identifier': valueOption('TEXT', parseText, 'record TEXT as the build tool in each zTOC'),
} as const;

/** Options of `convert` and `create`. Names and short forms follow AWS's `soci` if it has the option. */
export const INDEX_OPTIONS = {
  platform: listOption('PLATFORM', parsePlatforms, 'index only this platform; repeatable', 'p'),
  'all-platforms': excluding(flag('index all platforms (default)'), 'platform'),
  ...ZTOC_OPTIONS,
  'span-size': valueOption('SIZE', parseSpanSize, 'set span size (default 4 MiB; or auto)'),
  profile: excluding(
    valueOption('FILE', parseText, 'make spans small where a start reads'),
    'compat',
    'use-stored-profile',
  ),
  'use-stored-profile': excluding(flag('use the profile of the repository, if any'), 'compat'),
  'min-layer-size': valueOption(
    'SIZE',
    parseSize,
    `skip smaller layers (default ${formatBytes(DEFAULT_MIN_LAYER_SIZE)})`,
  ),
  optimizations: listOption('NAME', parseOptimizations, 'enable an optimization; supported: xattr'),
  'prefetch-file': listOption('PATH', (path) => [path], 'prefetch this file; repeatable'),
  'allow-missing-prefetch': flag('index an image without a file to prefetch'),
  'prefetch-files-json': valueOption('FILE', parseText, 'read paths to prefetch from a JSON array'),
  compat: valueOption('PROGRAM', oneOf(['soci-cli']), 'match the output of soci-cli byte for byte'),
  jobs: valueOption('N', parseCount(MAX_JOBS), 'build N layers at a time (default: up to 8)'),
  'no-reuse': flag('build every zTOC; do not reuse existing ones'),
  tag: listOption('TAG', (tag) => [tag], 'add this tag to the result; repeatable', 't'),
  force: flag('rebuild, and overwrite any tag'),
  'overwrite-source': flag('allow DST to replace the image of SRC'),
  verify: flag('verify the new index before writing it'),
  'allow-nothing': flag('exit with 0 if there is nothing to index'),
  'dry-run': DRY_RUN_OPTION,
  ...RESULT_FILE_OPTIONS,
  ...REGISTRY_OPTIONS,
} as const;

/** Options of `convert`. */
export const CONVERT_OPTIONS = {
  ...INDEX_OPTIONS,
  recompress: flag('recompress zstd layers with gzip'),
  'recompress-tar': flag('recompress zstd and uncompressed layers'),
} as const;

/** Options that determine an index. */
type IndexOptionValues = Omit<
  OptionValues<typeof INDEX_OPTIONS>,
  | 'tag'
  | 'overwrite-source'
  | 'dry-run'
  | 'no-reuse'
  | 'force'
  | 'verify'
  | 'allow-nothing'
  | 'result-file'
  | 'summary-file'
> &
  Partial<Pick<OptionValues<typeof CONVERT_OPTIONS>, 'recompress' | 'recompress-tar'>>;

/** Converts command-line options to library options. Reads the files of `--profile` and `--prefetch-files-json`. */
export async function toIndexOptions(options: IndexOptionValues, signal: AbortSignal): Promise<IndexImageOptions> {
  checkSpanSize(options);
  const listed = options['prefetch-files-json'];
  const prefetchFiles = [...options['prefetch-file'], ...(listed === undefined ? [] : await readPathList(listed))]
    .map((path) => path.trim())
    .filter((path) => path !== '');
  return omitUndefined({
    platforms: options.platform.length === 0 ? undefined : options.platform,
    spanSize: options['span-size'],
    profile: options['use-stored-profile'] ? ('stored' as const) : await readProfile(options.profile, signal),
    minLayerSize: options['min-layer-size'],
    buildToolIdentifier: options['build-tool-identifier'],
    compat: options.compat,
    jobs: options.jobs,
    optimizations: options.optimizations,
    prefetchFiles,
    allowMissingPrefetch: options['allow-missing-prefetch'],
    recompress: recompressedFormats(options),
  });
}

/** @throws CliError `USAGE_INVALID` if the span size and other options exclude each other. */
function checkSpanSize(options: IndexOptionValues): void {
  const { 'span-size': spanSize, profile, compat } = options;
  if (spanSize === 'auto' && compat !== undefined) {
    throw usageError('--span-size auto and --compat exclude each other', 'soci-cli has one span size for all layers.');
  }
  const name = profile !== undefined ? '--profile' : options['use-stored-profile'] ? '--use-stored-profile' : undefined;
  if (name !== undefined && spanSize !== undefined && spanSize !== 'auto') {
    throw usageError(`${name} and a fixed --span-size exclude each other`, 'Use --span-size auto.');
  }
}

function readProfile(file: string | undefined, signal: AbortSignal): Promise<StartProfile> | undefined {
  return file === undefined ? undefined : readProfileFile(file, signal);
}

function recompressedFormats(
  options: Partial<OptionValues<typeof CONVERT_OPTIONS>>,
): readonly RecompressibleFormat[] | undefined {
  if (options['recompress-tar']) return ['zstd', 'tar'];
  return options.recompress ? ['zstd'] : undefined;
}

async function readPathList(file: string): Promise<readonly string[]> {
  const bytes = await readFile(file).catch(throwFileError(file));
  if (bytes.length > MAX_PREFETCH_FILE_SIZE) {
    throw new CliError(
      'SOURCE_INVALID',
      `${file} has ${bytes.length} bytes; the limit for a list of paths is ${MAX_PREFETCH_FILE_SIZE} bytes`,
    );
  }
  let list: unknown;
  try {
    list = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new CliError('SOURCE_INVALID', `${file} is not valid JSON`, { cause });
  }
  if (!Array.isArray(list) || !list.every((path) => typeof path === 'string')) {
    throw new CliError('SOURCE_INVALID', `${file} is not a JSON array of strings`, {
      remedy: 'Example: ["/app/main.js", "/etc/app.json"]',
    });
  }
  return list;
}

/**
 * Reads a profile from a file: JSON, or text with one path per line. The file may be a pipe.
 *
 * @throws CliError `SOURCE_INVALID` if the file is too large; SociIndexError `PROFILE_INVALID`; errors of the file system.
 */
export async function readProfileFile(file: string, signal: AbortSignal): Promise<StartProfile> {
  const bytes = await readUpTo(file, MAX_PROFILE_SIZE, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw wrapFileError(file, error);
  });
  if (bytes === undefined) {
    throw new CliError('SOURCE_INVALID', `${file} has more than ${MAX_PROFILE_SIZE} bytes, the limit for a profile`, {
      remedy: 'Keep only the files that the start reads.',
    });
  }
  return parseProfile(bytes, file);
}
