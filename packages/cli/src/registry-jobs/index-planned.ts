import type { OutputTag } from '@soci/filter';
import { type IndexImageOptions, type IndexImageResult, indexImage } from '@soci/index';
import type { ImageOutcome, ImageTag } from '@soci/registry-jobs';
import type { RegistryStores } from '../transports/registry-stores.ts';

/** How to index the images of a plan. */
export interface ImageIndexerOptions {
  readonly host: string;
  readonly stores: RegistryStores;
  readonly outputTag: OutputTag;
  readonly index: IndexImageOptions;
}

/**
 * Returns a function that indexes an image within its repository: that of `convert`, with the digest of the plan. The output tag is
 * written only if the tag of the image still refers to that digest.
 */
export function imageIndexer({ host, stores, outputTag, index }: ImageIndexerOptions) {
  return async (
    { repository, tag, digest }: ImageTag,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ImageOutcome> => {
    const store = stores.open({ host, repository });
    const output = outputTag.format({ tag, digest });
    const content = await store.resolve(digest, { signal });
    const result = await indexImage(
      { store, reference: content, tag },
      { store, ...(output !== undefined && { tag: output }) },
      { ...index, version: 2, signal },
    );
    return outcomeOf(result);
  };
}

function outcomeOf(result: IndexImageResult): ImageOutcome {
  switch (result.outcome) {
    case 'indexed':
      return { outcome: 'indexed', bytesRead: result.bytesRead, ...(result.root && { root: result.root.digest }) };
    case 'already-indexed': {
      const { outcome, message, root } = result;
      return { outcome: 'skipped', reason: outcome, message, ...(root && { root: root.digest }) };
    }
    case 'nothing-to-index':
    case 'skipped': {
      const { reason, message } = result;
      return { outcome: 'skipped', reason, message };
    }
    case 'refused': {
      const { reason, message } = result;
      return { outcome: 'failed', reason, message };
    }
  }
}
