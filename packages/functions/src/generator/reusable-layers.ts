import { findReusableZtocs, findSimilarTags, type ZtocSource } from '@soci/index';
import type { CallOptions, Descriptor } from '@soci/oci';
import type { Repository } from '@soci/registry';
import type { Log } from '../logger.ts';

/**
 * Where zTOCs of layers may be that were indexed with other images of the repository: what bears the tag of the index now,
 * and what bears the tags that are most like it. A role that may not list tags (`ecr:ListImages`) finds less.
 *
 * @param name - What the tags are to be like; where there is none, any.
 */
export function reusableLayers(
  repository: Repository,
  current: Descriptor | undefined,
  name: string,
  call: CallOptions,
  log: Log,
): ZtocSource {
  async function* candidates(): AsyncGenerator<Descriptor, void, undefined> {
    if (current) yield current;
    try {
      yield* await findSimilarTags(repository, name, [name], call);
    } catch (error) {
      call.signal?.throwIfAborted();
      log.debug('no other images are looked at for layers that were indexed before', { error });
    }
  }
  return findReusableZtocs(repository, candidates(), call);
}
