import { stat } from 'node:fs/promises';
import { CliError } from '../errors.ts';
import type { LayoutLocation } from './location.ts';

/**
 * Checks that a folder is named as a folder, and a file as a file, where something is there at all.
 *
 * @throws CliError `SOURCE_INVALID` with the location that was most likely meant.
 */
export async function checkKind({ transport, path, reference }: LayoutLocation): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  const tag = reference === undefined ? '' : `:${reference}`;
  if (transport === 'oci' && stats?.isFile()) {
    throw new CliError('SOURCE_INVALID', `${path} is a file, not a folder`, {
      remedy: `Did you mean oci-archive:${path}${tag}?`,
    });
  }
  if (transport === 'oci-archive' && stats?.isDirectory()) {
    throw new CliError('SOURCE_INVALID', `${path} is a folder, not a file`, {
      remedy: `Did you mean oci:${path}${tag}?`,
    });
  }
}
