import { type ImageFilesystem, openImageFilesystem, SociIndexError } from '@soci/index';
import { parsePlatform } from '@soci/oci';
import type { CommandArguments, CommandContext } from '../command/command.ts';
import { defined, valueOption } from '../command/option.ts';
import { CliError, usageError } from '../errors.ts';
import { MAX_ZTOC_SIZE } from '../files/read-file.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { parseLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';

/** Options of the commands that read files of an image. */
export const FILESYSTEM_OPTIONS = {
  platform: valueOption('PLATFORM', parsePlatform, 'of an image for several platforms, this one', 'p'),
  ...REGISTRY_OPTIONS,
} as const;

/** Lets `use` read the files of the image that the first operand names. */
export async function withImageFilesystem(
  { operands: [from = ''], options }: CommandArguments<typeof FILESYSTEM_OPTIONS>,
  context: CommandContext,
  use: (files: ImageFilesystem) => Promise<void>,
): Promise<void> {
  const { signal } = context;
  const location = parseLocation(from);
  await withImageStores(await toRegistryAccess(options, [location], context), signal, async (stores) => {
    const { store, root } = await stores.openImage(location);
    try {
      const limits = { maxZtocSize: MAX_ZTOC_SIZE };
      await use(await openImageFilesystem(store, root, { signal, limits, ...defined({ platform: options.platform }) }));
    } catch (error) {
      throw inOurWords(error);
    }
  });
}

/** An error of the file system with the code and the remedy of the command line. */
function inOurWords(error: unknown): unknown {
  if (!(error instanceof SociIndexError)) return error;
  switch (error.code) {
    case 'PLATFORM_AMBIGUOUS':
      return usageError(error.message, 'Choose one with --platform.');
    case 'PLATFORM_NOT_FOUND':
    case 'SYMLINK_LOOP':
      return new CliError('SOURCE_INVALID', error.message, { cause: error });
    default:
      return error;
  }
}
