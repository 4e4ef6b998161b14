import { createReadStream } from 'node:fs';
import { MAX_PROFILE_SIZE, parseProfile, type StartProfile } from '@soci/index';
import { CliError } from '../errors.ts';
import { wrapFileError } from '../terminal/describe-error.ts';

/**
 * Reads a profile from a file: JSON, or text with one path per line. The file may be a pipe.
 *
 * @throws CliError `SOURCE_INVALID` if the file is too large; SociIndexError `PROFILE_INVALID`; errors of the file system.
 */
export async function readProfileFile(file: string): Promise<StartProfile> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      size += chunk.length;
      chunks.push(chunk);
      if (size > MAX_PROFILE_SIZE) break;
    }
  } catch (error) {
    throw wrapFileError(file, error);
  }
  if (size > MAX_PROFILE_SIZE) {
    throw new CliError('SOURCE_INVALID', `${file} has more than ${MAX_PROFILE_SIZE} bytes, the limit for a profile`, {
      remedy: 'Keep only the files that the start reads.',
    });
  }
  return parseProfile(Buffer.concat(chunks), file);
}
