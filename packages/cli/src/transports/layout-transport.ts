import { isNonDistributable, walkContent } from '@soci/oci';
import { createLayout, type LayoutDraft, LayoutStore, openLayout } from '@soci/oci/layout';
import { checkKind } from './check-kind.ts';
import { chooseRoot, destinationName } from './choose-root.ts';
import type { LayoutLocation } from './location.ts';
import type { Delivery, Transport } from './transport.ts';

/** `oci:DIR[:TAG]`: an OCI image layout folder. */
export const layoutTransport: Transport<LayoutLocation> = {
  async openSource(location) {
    await checkKind(location);
    const store = await openLayout(location.path);
    const root = await chooseRoot(store, location);
    return { location, store, root, checkUnmoved: async () => {}, close: async () => {} };
  },

  async openDestination(location) {
    destinationName(location);
    const draft = await createLayout(location.path);
    return {
      location,
      deliver: (delivery) => deliver(draft, delivery),
      close: () => draft.discard(),
    };
  },
};

async function deliver(
  draft: LayoutDraft,
  { content, roots, source, verified, signal, beforeNaming, onBytes }: Delivery,
): Promise<void> {
  const call = { signal };
  for (const { target, reference } of roots) {
    for await (const { descriptor, raw } of walkContent(content, target, call)) {
      if (raw !== undefined) await draft.push(descriptor, raw, call);
      else if (source.store instanceof LayoutStore && verified.has(descriptor.digest)) {
        await draft.importBlob(source.store, descriptor, call);
      } else if (!isNonDistributable(descriptor.mediaType) || (await content.exists(descriptor, call))) {
        await draft.push(descriptor, content.fetch(descriptor, { ...call, reuseChunks: true }), call);
      }
      onBytes(descriptor.size, descriptor);
    }
    await draft.tag(target, reference);
  }
  await beforeNaming();
  signal.throwIfAborted();
  await draft.commit();
}
