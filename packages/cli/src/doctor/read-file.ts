import { open } from 'node:fs/promises';
import { CliError } from '../errors.ts';
import { throwFileError } from '../terminal/describe-error.ts';

/** Maximum size of a configuration file or of task metadata, in bytes. */
const MAX_FILE_SIZE = 4 << 20;

/**
 * Reads a file of evidence.
 *
 * @param what - What the file should contain, for errors.
 * @throws CliError `SOURCE_INVALID` if it is too large or not text; the code of a system error
 */
export async function readEvidenceFile(path: string, what: string): Promise<string> {
  const file = await open(path).catch(throwFileError(path));
  try {
    const buffer = Buffer.alloc(MAX_FILE_SIZE + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null).catch(throwFileError(path));
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length > MAX_FILE_SIZE) {
        throw invalidEvidence(path, what, `it is larger than ${MAX_FILE_SIZE} bytes`);
      }
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof TypeError) throw invalidEvidence(path, what, 'it is not UTF-8 text');
    throw error;
  } finally {
    await file.close();
  }
}

/** Returns an error for a file that does not contain what it should. */
export function invalidEvidence(path: string, what: string, problem: string, remedy?: string): CliError {
  return new CliError('SOURCE_INVALID', `${path} is not ${what}: ${problem}`, { remedy });
}
