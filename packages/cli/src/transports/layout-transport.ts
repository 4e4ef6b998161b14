import { isNonDistributable, walkContent } from '@soci/oci';
import { createLayout, type LayoutDraft, LayoutStore, openLayout } from '@soci/oci/layout';
import { checkKind } from './check-kind.ts';
import { chooseRoot, destinationName } from './choose-root.ts';
import type { Delivery, Transport } from './transport.ts';

/** `oci:DIR[:TAG]`: an OCI image layout folder. */
export const layoutTransport: Transport = {
  async openSource(location) {
    await checkKind(location);
    const store = await openLayout(location.path);
    return { location, store, root: await chooseRoot(store, location), close: async () => {} };
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
  { content, roots, source, verified, signal, onBytes }: Delivery,
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
      onBytes(descriptor.size);
    }
    await draft.tag(target, reference);
  }
  signal.throwIfAborted();
  await draft.commit();
}
