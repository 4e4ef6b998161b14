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
  const places: ZtocSource[] = [];
  const isShared = holdings?.store === source.store;
  if (holdings)
    places.push(findReusableZtocs(holdings.store, heldBy(holdings, isShared ? source.root : undefined, call), call));
  if (!isShared && source.location.transport === 'registry') {
    places.push(findReusableZtocs(source.store, [source.root], call));
  }
  return places.length === 0 ? undefined : firstOf(places);
}

async function* heldBy(
  { current, neighbours }: Holdings,
  image: Descriptor | undefined,
  call: CallOptions,
): AsyncGenerator<Descriptor, void, undefined> {
  if (current) yield current;
  if (image) yield image;
  yield* neighbours(call);
}

function firstOf(places: readonly ZtocSource[]): ZtocSource {
  return {
    async find(...asked) {
      for (const place of places) {
        const found = await place.find(...asked);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}
