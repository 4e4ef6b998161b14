import { type ImageFilesystem, openImageFilesystem, SociIndexError, type UnreadableLayer } from '@soci/index';
import { escapeText, type Fetcher, parsePlatform } from '@soci/oci';
import type { CommandArguments, CommandContext } from '../command/command.ts';
import { omitUndefined, valueOption } from '../command/option.ts';
import { CliError, usageError } from '../errors.ts';
import { MAX_ZTOC_SIZE } from '../files/read-file.ts';
import type { Output } from '../terminal/output.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { parseLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';

/** Options of `ls`, `cat` and `profile predict`. */
export const FILESYSTEM_OPTIONS = {
  platform: valueOption('PLATFORM', parsePlatform, 'select a platform of a multi-platform image', 'p'),
  ...REGISTRY_OPTIONS,
} as const;

/** Opens the image that the first operand names, and calls `use` with its files and its store. */
export async function withImageFilesystem(
  { operands: [from = ''], options }: CommandArguments<typeof FILESYSTEM_OPTIONS>,
  context: CommandContext,
  use: (files: ImageFilesystem, store: Fetcher) => Promise<void>,
): Promise<void> {
  const { signal } = context;
  const location = parseLocation(from);
  await withImageStores(await toRegistryAccess(options, [location], context), context, async (stores) => {
    const { store, root } = await stores.openImage(location);
    try {
      const limits = { maxZtocSize: MAX_ZTOC_SIZE };
      const platform = omitUndefined({ platform: options.platform });
      await use(await openImageFilesystem(store, root, { signal, limits, ...platform }), store);
    } catch (error) {
      throw toCliError(error);
    }
  });
}

/** Maximum number of unreadable layers to warn about. */
const MAX_UNREADABLE = 20;

/** Warns about layers that could not be read. @param effect - What that means for the output: a sentence without full stop. */
export function warnAboutUnreadable(layers: readonly UnreadableLayer[], effect: string, output: Output): void {
  const shown = layers.slice(0, MAX_UNREADABLE);
  const lines = shown.map(({ message }) => `${escapeText(message).replace(/\.$/, '')}. ${effect}`);
  if (layers.length > MAX_UNREADABLE) lines.push(`${layers.length - MAX_UNREADABLE} more layers cannot be read`);
  for (const line of lines) output.warn(line, { isIncomplete: true });
}

/** Converts an error of the image's file system to the command line's codes and remedies. */
function toCliError(error: unknown): unknown {
  if (!(error instanceof SociIndexError)) return error;
  switch (error.code) {
    case 'PLATFORM_AMBIGUOUS':
      return usageError(error.message, 'Add --platform PLATFORM.');
    case 'PLATFORM_NOT_FOUND':
    case 'SYMLINK_LOOP':
      return new CliError('SOURCE_INVALID', error.message, { cause: error });
    default:
      return error;
  }
}
