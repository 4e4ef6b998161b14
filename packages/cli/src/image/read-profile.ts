import { MAX_PROFILE_SIZE, parseProfile, type StartProfile } from '@soci/index';
import { CliError } from '../errors.ts';
import { readUpTo } from '../files/read-stream.ts';
import { wrapFileError } from '../terminal/describe-error.ts';

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
