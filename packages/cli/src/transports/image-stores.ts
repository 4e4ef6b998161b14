import type { SourceStore } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import { type ImageDestination, type ImageSource, openLayoutDestination, openLayoutSource } from './layout-stores.ts';
import { destinationTag, type ImageLocation, type RegistryLocation } from './location.ts';
import type { RegistryAccess } from './registry-options.ts';
import type { RegistryStores } from './registry-stores.ts';

/** An image, and the store that holds it. */
export interface OpenImage {
  readonly store: SourceStore;
  /** The image, or the image index, that the location names. */
  readonly root: Descriptor;
}

/** The stores that one command reads from and writes to, open until it is done. */
export class ImageStores {
  readonly #access: RegistryAccess;
  readonly #signal: AbortSignal;
  readonly #open: { close(): Promise<void> }[] = [];
  #registries: RegistryStores | undefined;

  constructor(access: RegistryAccess, signal: AbortSignal) {
    this.#access = access;
    this.#signal = signal;
  }

  /** Opens the store that holds the image of a location. */
  async openSource(location: ImageLocation): Promise<ImageSource> {
    if (location.transport !== 'registry') return this.#keep(await openLayoutSource(location));
    // Without a tag it means what everybody who knows Docker expects.
    const reference = location.digest ?? location.tag ?? 'latest';
    return { store: await this.#repository(location), reference, close: async () => {} };
  }

  /** Opens the image that a location names. */
  async openImage(location: ImageLocation): Promise<OpenImage> {
    const { store, reference } = await this.openSource(location);
    const root = typeof reference === 'string' ? await store.resolve(reference, { signal: this.#signal }) : reference;
    return { store, root };
  }

  /** Opens a store to be written to; what is not committed leaves nothing behind. */
  async openDestination(location: ImageLocation): Promise<ImageDestination> {
    destinationTag(location);
    if (location.transport !== 'registry') return this.#keep(await openLayoutDestination(location));
    return { store: await this.#repository(location), commit: async () => {}, close: async () => {} };
  }

  /** Closes what was opened, the last first. */
  async close(): Promise<void> {
    for (const store of this.#open.reverse()) await store.close();
    this.#registries?.close();
  }

  #keep<Store extends { close(): Promise<void> }>(store: Store): Store {
    this.#open.push(store);
    return store;
  }

  /** The client for registries is large, and loaded only if one is named. */
  async #repository(location: RegistryLocation) {
    const { RegistryStores } = await import('./registry-stores.ts');
    this.#registries ??= new RegistryStores(this.#access);
    return this.#registries.open(location);
  }
}

/** Lets `use` open stores, and closes them when it is done, or has failed. */
export async function withImageStores<T>(
  access: RegistryAccess,
  signal: AbortSignal,
  use: (stores: ImageStores) => Promise<T>,
): Promise<T> {
  const stores = new ImageStores(access, signal);
  try {
    return await use(stores);
  } finally {
    await stores.close();
  }
}
