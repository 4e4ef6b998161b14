import { open } from 'node:fs/promises';
import { decodeZtoc, type Ztoc } from '@soci/ztoc';
import { errorIn } from './describe-error.ts';
import { CliError } from './errors.ts';

/** Above the largest zTOC that the default limits let anybody make. */
export const MAX_ZTOC_SIZE = 2 ** 31;

/** A zTOC as a file holds it. */
export interface ZtocFile {
  readonly ztoc: Ztoc;
  readonly bytes: Uint8Array;
}

/**
 * Reads a zTOC from a file.
 *
 * @throws CliError `SOURCE_INVALID` where the file is too large, `ZTOC_INVALID` with the byte offset where it is no zTOC.
 */
export async function readZtocFile(path: string): Promise<ZtocFile> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_ZTOC_SIZE) throw new CliError('SOURCE_INVALID', `${path} has ${size} bytes: that is no zTOC`);
    const bytes = new Uint8Array(await file.readFile());
    return { bytes, ztoc: decodeZtoc(bytes) };
  } catch (error) {
    throw errorIn(path, error);
  } finally {
    await file.close();
  }
}
