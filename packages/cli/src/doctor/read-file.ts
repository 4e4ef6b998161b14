import { CliError } from '../errors.ts';
import { readUpTo } from '../files/read-stream.ts';
import { throwFileError } from '../terminal/describe-error.ts';

/** Maximum size of a configuration file or of task metadata, in bytes. */
const MAX_FILE_SIZE = 4 << 20;

/**
 * Reads a file of evidence.
 *
 * @param what - What the file should contain, for errors.
 * @throws CliError `SOURCE_INVALID` if it is too large or not text; the code of a system error
 */
export async function readEvidenceFile(path: string, what: string, signal: AbortSignal): Promise<string> {
  const bytes = await readUpTo(path, MAX_FILE_SIZE, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    return throwFileError(path)(error);
  });
  if (bytes === undefined) throw invalidEvidence(path, what, `it is larger than ${MAX_FILE_SIZE} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalidEvidence(path, what, 'it is not UTF-8 text');
  }
}

/** Returns an error for a file that does not contain what it should. */
export function invalidEvidence(path: string, what: string, problem: string, remedy?: string): CliError {
  return new CliError('SOURCE_INVALID', `${path} is not ${what}: ${problem}`, { remedy });
}
