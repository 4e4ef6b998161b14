import { findReusableZtocs, type ZtocSource } from '@soci/index';
import type { CallOptions, Descriptor } from '@soci/oci';
import type { Holdings, ImageSource } from '../transports/transport.ts';

/**
 * Where zTOCs of layers may be that were indexed before: with what the destination names now, with the image itself, with
 * what the destination's other names stand for. Looked at in this order, and only as far as layers are still missing.
 * Undefined where none of it is in a registry: what is on a disk is indexed faster than it is searched.
 */
export function reusableZtocs(
  source: ImageSource,
  holdings: Holdings | undefined,
  call: CallOptions,
): ZtocSource | undefined {
  const stores: ZtocSource[] = [];
  const isShared = holdings?.store === source.store;
  if (holdings) {
    // Asked for at once, while the image's manifests are read: a layer that is new is looked for everywhere.
    const neighbours = holdings.neighbours(source, call).catch(() => []);
    const candidates = heldBy(holdings.current, isShared ? source.root : undefined, neighbours);
    stores.push(findReusableZtocs(holdings.store, candidates, call));
  }
  if (!isShared && source.location.transport === 'registry') {
    stores.push(findReusableZtocs(source.store, [source.root], call));
  }
  return stores.length === 0 ? undefined : firstOf(stores);
}

async function* heldBy(
  current: Descriptor | undefined,
  image: Descriptor | undefined,
  neighbours: Promise<readonly Descriptor[]>,
): AsyncGenerator<Descriptor, void, undefined> {
  if (current) yield current;
  if (image) yield image;
  yield* await neighbours;
}

function firstOf(stores: readonly ZtocSource[]): ZtocSource {
  return {
    async find(...asked) {
      for (const place of stores) {
        const found = await place.find(...asked);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}
