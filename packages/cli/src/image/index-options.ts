import { readFile } from 'node:fs/promises';
import { DEFAULT_MIN_LAYER_SIZE, type SociIndexOptions } from '@soci/index';
import { OciError, type Platform, parsePlatform } from '@soci/oci';
import { defined, flag, listOption, type OptionValues, oneOf, text, valueOption } from '../command/option.ts';
import { parseCount, parseSize } from '../command/size.ts';
import { CliError, usageError } from '../errors.ts';
import { formatBytes } from '../terminal/quantity.ts';
import { REGISTRY_OPTIONS } from '../transports/registry-options.ts';
import { ZTOC_OPTIONS } from './ztoc-options.ts';

const MOST_JOBS = 256;
const MAX_PREFETCH_FILE_SIZE = 16 << 20;

/** Options of the commands that index an image; names and short forms are the reference program's where it has them. */
export const INDEX_OPTIONS = {
  platform: listOption(
    'PLATFORM',
    parsePlatforms,
    'index this platform only, such as linux/arm64; repeatable. Without it every platform that the image runs on is indexed',
    'p',
  ),
  'all-platforms': flag('index every platform that the image runs on: the default, said aloud'),
  ...ZTOC_OPTIONS,
  'min-layer-size': valueOption(
    'SIZE',
    parseSize,
    `leave smaller layers without a zTOC: they are fetched whole as fast (default ${formatBytes(DEFAULT_MIN_LAYER_SIZE)})`,
  ),
  optimizations: listOption(
    'NAME',
    parseOptimizations,
    'xattr: mark layers without extended attributes, so that no runtime looks for any',
  ),
  'prefetch-file': listOption(
    'PATH',
    (path) => [path],
    'have a runtime fetch this file of the image first, before anything asks for it; repeatable',
  ),
  'prefetch-files-json': valueOption('FILE', text, 'the same for a JSON file that holds an array of paths'),
  compat: valueOption(
    'PROGRAM',
    oneOf(['soci-cli']),
    "soci-cli: make exactly the bytes that AWS's soci makes, and refuse what it refuses",
  ),
  jobs: valueOption(
    'N',
    parseCount(MOST_JOBS),
    'layers built at a time, each on a thread (default: the cores there are)',
  ),
  'no-reuse': flag('build every layer, even where the registry has a zTOC of it that was made with the same settings'),
  force: flag('build and write even if the registry has the result already, and overwrite a tag of another image'),
  verify: flag('read files back through the new index before anything is written, and compare them with the layers'),
  ...REGISTRY_OPTIONS,
} as const;

/** From the command line's options to the library's. Reads the file of `--prefetch-files-json`. */
export async function toIndexOptions(options: OptionValues<typeof INDEX_OPTIONS>): Promise<SociIndexOptions> {
  if (options['all-platforms'] && options.platform.length > 0) {
    throw usageError('--all-platforms and --platform exclude each other');
  }
  const listed = options['prefetch-files-json'];
  const prefetchFiles = [...options['prefetch-file'], ...(listed === undefined ? [] : await readPathList(listed))]
    .map((path) => path.trim())
    .filter((path) => path !== '');
  return defined({
    platforms: options.platform.length === 0 ? undefined : options.platform,
    spanSize: options['span-size'],
    minLayerSize: options['min-layer-size'],
    buildToolIdentifier: options['build-tool-identifier'],
    compat: options.compat,
    jobs: options.jobs,
    optimizations: options.optimizations,
    prefetchFiles,
  });
}

function parsePlatforms(words: string): readonly Platform[] {
  try {
    return words.split(',').map(parsePlatform);
  } catch (error) {
    if (error instanceof OciError) throw usageError(error.message);
    throw error;
  }
}

function parseOptimizations(words: string): readonly 'xattr'[] {
  return words.split(',').map(oneOf(['xattr']));
}

async function readPathList(file: string): Promise<readonly string[]> {
  const bytes = await readFile(file);
  if (bytes.length > MAX_PREFETCH_FILE_SIZE) {
    throw new CliError(
      'SOURCE_INVALID',
      `${file} has ${bytes.length} bytes: a list of paths has at most ${MAX_PREFETCH_FILE_SIZE}`,
    );
  }
  let list: unknown;
  try {
    list = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new CliError('SOURCE_INVALID', `${file} is no JSON`, { cause });
  }
  if (!Array.isArray(list) || !list.every((path) => typeof path === 'string')) {
    throw new CliError('SOURCE_INVALID', `${file} holds no array of strings`, {
      remedy: 'Write it like this: ["/app/main.js", "/etc/app.json"]',
    });
  }
  return list;
}
