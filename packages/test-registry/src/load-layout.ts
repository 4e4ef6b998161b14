import { type Descriptor, isNonDistributable, OciError, parseDigest, walkContent } from '@soci/oci';
import { type LayoutStore, openLayout } from '@soci/oci/layout';
import { TestRegistryError } from './errors.ts';
import type { RegistryStore } from './store/registry-store.ts';
import type { Repository } from './store/repository.ts';

/** Copies an image out of a layout, leaves first, every byte compared with its digest. @returns Its digest. */
export async function loadLayout(
  store: RegistryStore,
  into: Repository,
  folder: string,
  tag: string,
  reference?: string,
): Promise<string> {
  try {
    const layout = await openLayout(folder);
    const root = await layout.resolve(reference);
    for await (const { descriptor, raw } of walkContent(layout, root)) {
      const { digest, mediaType } = descriptor;
      if (raw !== undefined) into.addManifest({ digest, mediaType, bytes: raw, pushedAt: new Date() });
      else if (!isNonDistributable(mediaType) || (await layout.exists(descriptor))) {
        if (store.blobs.get(digest) === undefined) await loadBlob(store, layout, descriptor);
        into.addBlob(digest);
      }
    }
    into.setTag(tag, root.digest);
    return root.digest;
  } catch (cause) {
    if (!(cause instanceof OciError)) throw cause;
    const code = cause.code === 'NOT_FOUND' ? 'NOT_FOUND' : 'CONTENT_INVALID';
    throw new TestRegistryError(code, `${folder} cannot be loaded: ${cause.message}`, { cause });
  }
}

async function loadBlob(store: RegistryStore, layout: LayoutStore, descriptor: Descriptor): Promise<void> {
  const draft = await store.blobs.begin();
  try {
    draft.expect(descriptor.size);
    for await (const chunk of layout.fetch(descriptor, { reuseChunks: true })) await draft.append(chunk);
    const actual = await draft.digest(parseDigest(descriptor.digest).algorithm);
    if (actual !== descriptor.digest) {
      throw new TestRegistryError('CONTENT_INVALID', `the blob ${descriptor.digest} has the digest ${actual}`);
    }
    await store.blobs.keep(draft, descriptor.digest);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}
