import { isNonDistributable, OciError, walkContent } from '@soci/oci';
import { openLayout } from '@soci/oci/layout';
import { TestRegistryError } from './errors.ts';
import type { RegistryStore } from './store/registry-store.ts';
import type { Repository } from './store/repository.ts';

/** Copies an image from an OCI image layout and verifies every digest. @returns its digest */
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
        if (store.blobs.get(digest) !== undefined) into.addBlob(digest);
        else await store.addBlob(into, descriptor.size, layout.fetch(descriptor, { reuseChunks: true }), digest);
      }
    }
    into.setTag(tag, root.digest);
    return root.digest;
  } catch (cause) {
    if (!(cause instanceof OciError)) throw cause;
    const code = cause.code === 'NOT_FOUND' ? 'NOT_FOUND' : 'CONTENT_INVALID';
    throw new TestRegistryError(code, `cannot load ${folder}: ${cause.message}`, { cause });
  }
}
