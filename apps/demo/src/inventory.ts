import type { RegistryAccess } from '@soci/cli/internal';
import { type ImageEntry, inspectImage } from '@soci/index';
import type { CallOptions } from '@soci/oci';
import { openRegistry, staticCredentials } from '@soci/registry';

/** Something that a repository holds. */
export interface InventoryItem {
  /** Empty of what is there by its digest only, as a part of the item with a tag before it. */
  readonly tag: string;
  readonly digest: string;
  readonly kind: 'image' | 'image-index' | 'soci-enabled' | 'soci-index' | 'other';
  /** Bytes of what it is about: of an image its layers, of a SOCI index its zTOCs. */
  readonly size: number;
  /** So many layers, zTOCs, or manifests. */
  readonly parts: number;
}

/** Lists what bears a tag in a repository, each with the manifests in it. */
export async function takeInventory(
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
      return { tag: '', digest, kind: 'image', size: sizeOf(entry.layers), parts: entry.layers.length };
    case 'soci-index': {
      const ztocs = entry.index.ztocs.map(({ descriptor }) => descriptor);
      return { tag: '', digest, kind: 'soci-index', size: sizeOf(ztocs), parts: ztocs.length };
    }
    default:
      return { tag: '', digest, kind: 'other', size, parts: 0 };
  }
}

function sizeOf(pieces: readonly { readonly size: number }[]): number {
  return pieces.reduce((sum, { size }) => sum + size, 0);
}
