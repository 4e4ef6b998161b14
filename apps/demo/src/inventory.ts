import type { RegistryAccess } from '@soci/cli/internal';
import { type ImageEntry, inspectImage } from '@soci/index';
import type { CallOptions } from '@soci/oci';
import { openRegistry, staticCredentials } from '@soci/registry';

/** A manifest in a repository. */
export interface InventoryItem {
  /** Tag, or an empty string for a manifest in the tagged image index before it. */
  readonly tag: string;
  readonly digest: string;
  readonly kind: 'image' | 'image-index' | 'soci-enabled' | 'soci-index' | 'other';
  /** Size of the layers of an image, of the zTOCs of a SOCI index, or of another manifest, in bytes. */
  readonly size: number;
  /** Number of layers, zTOCs or manifests. */
  readonly parts: number;
}

/** Lists the tagged images of a repository, each with the manifests in it. */
export async function listInventory(
  host: string,
  repository: string,
  { account, plainHttp }: RegistryAccess,
  call: CallOptions,
): Promise<InventoryItem[]> {
  const registry = openRegistry(host, {
    env: {},
    ...(account && { credentials: staticCredentials(account.username, account.password) }),
    ...(plainHttp !== undefined && { plainHttp }),
  });
  try {
    const store = registry.repository(repository);
    const items: InventoryItem[] = [];
    for await (const tag of store.tags(call)) {
      const { root, isConverted, entries } = await inspectImage(store, await store.resolve(tag, call), call);
      const [only] = entries;
      if (entries.length === 1 && only?.descriptor.digest === root.digest) {
        items.push({ ...describeEntry(only), tag });
        continue;
      }
      const kind = isConverted ? 'soci-enabled' : 'image-index';
      items.push({ tag, digest: root.digest, kind, size: root.size, parts: entries.length });
      items.push(...entries.map(describeEntry));
    }
    return items;
  } finally {
    registry.close();
  }
}

function describeEntry(entry: ImageEntry): InventoryItem {
  const { digest, size } = entry.descriptor;
  switch (entry.kind) {
    case 'image':
      return { tag: '', digest, kind: 'image', size: totalSize(entry.layers), parts: entry.layers.length };
    case 'soci-index': {
      const ztocs = entry.index.ztocs.map(({ descriptor }) => descriptor);
      return { tag: '', digest, kind: 'soci-index', size: totalSize(ztocs), parts: ztocs.length };
    }
    default:
      return { tag: '', digest, kind: 'other', size, parts: 0 };
  }
}

function totalSize(blobs: readonly { readonly size: number }[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}
