import type { IndexProgress, SociIndexOptions } from '@soci/index';
import type { ImageDestination } from '../transports/transport.ts';

/**
 * Builds, and tries meanwhile whether the destination can be written to: a repository that is not there, or whose owner
 * does not let this person in, is told of in the first seconds and not after the last layer. Where no layer is read,
 * nothing is tried.
 *
 * @throws What the destination said, which ends the build; what the build throws.
 */
export async function buildWhileTrying<Made>(
  destination: ImageDestination,
  options: SociIndexOptions & { readonly signal: AbortSignal },
  build: (options: SociIndexOptions) => Promise<Made>,
): Promise<Made> {
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  let trial: Promise<void> | undefined;
  const onProgress = (event: IndexProgress) => {
    if (event.type === 'layer-started')
      trial ??= destination.tryWriting?.({ signal }).catch((error) => over.abort(error));
    options.onProgress?.(event);
  };
  try {
    const made = await build({ ...options, signal, onProgress });
    await trial;
    over.signal.throwIfAborted();
    return made;
  } finally {
    over.abort();
  }
}
