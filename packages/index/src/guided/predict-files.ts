import { type Descriptor, type Fetcher, isImageConfig } from '@soci/oci';
import type { ImageFilesystem } from '../filesystem/image-filesystem.ts';
import { isContentError } from '../filesystem/read-layer.ts';
import type { ResolvedOptions } from '../options.ts';
import { predictProfile } from '../predict/predict-profile.ts';
import { readStartConfig, type StartConfig } from '../predict/start-config.ts';
import type { ProfileFile } from '../profile/start-profile.ts';

type ReadLimits = Pick<ResolvedOptions, 'limits' | 'signal'>;

/** Predicts what a start reads. Returns no files if the image has no command. */
export async function predictFiles(
  store: Fetcher,
  config: Descriptor,
  files: ImageFilesystem,
  { limits, signal }: ReadLimits,
): Promise<readonly ProfileFile[]> {
  const start = await readCommand(store, config, { limits, signal });
  if (start === undefined) return [];
  return (await predictProfile(files, start, signal === undefined ? {} : { signal })).files;
}

/** Reads the command of an image. Returns undefined if it has none, or if its configuration cannot be read. */
export async function readCommand(
  store: Fetcher,
  config: Descriptor,
  { limits, signal }: ReadLimits,
): Promise<StartConfig | undefined> {
  if (!isImageConfig(config.mediaType)) return undefined;
  try {
    const start = await readStartConfig(store, config, { limits, ...(signal && { signal }) });
    return [...(start.Entrypoint ?? []), ...(start.Cmd ?? [])].length === 0 ? undefined : start;
  } catch (error) {
    signal?.throwIfAborted();
    if (!isContentError(error)) throw error;
    return undefined;
  }
}
