import type { SourceStore } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import { archiveTransport, layoutTransport } from './layout-transport.ts';
import type { ImageLocation } from './location.ts';
import type { RegistryTransport } from './registry-transport.ts';
import type { ImageDestination, ImageSource, RegistryAccess, Transport } from './transport.ts';

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
  #registries: RegistryTransport | undefined;

  constructor(access: RegistryAccess, signal: AbortSignal) {
    this.#access = access;
    this.#signal = signal;
  }

  /** Opens the store that holds the image of a location. */
  openSource(location: ImageLocation): Promise<ImageSource> {
    return this.#opening(location, (transport, at) => transport.openSource(at));
  }

  /** Opens the image that a location names. */
  async openImage(location: ImageLocation): Promise<OpenImage> {
    const { store, reference } = await this.openSource(location);
    const root = typeof reference === 'string' ? await store.resolve(reference, { signal: this.#signal }) : reference;
    return { store, root };
  }

  /** Opens a store to be written to; what is not committed leaves nothing behind. */
  openDestination(location: ImageLocation): Promise<ImageDestination> {
    return this.#opening(location, (transport, at) => transport.openDestination(at));
  }

  /** Closes what was opened, the last first. */
  async close(): Promise<void> {
    for (const place of this.#open.reverse()) await place.close();
    this.#registries?.close();
  }

  async #opening<Place extends { close(): Promise<void> }>(
    location: ImageLocation,
    open: <Location extends ImageLocation>(transport: Transport<Location>, at: Location) => Promise<Place>,
  ): Promise<Place> {
    const place = await this.#dispatch(location, open);
    this.#open.push(place);
    return place;
  }

  async #dispatch<Place>(
    location: ImageLocation,
    open: <Location extends ImageLocation>(transport: Transport<Location>, at: Location) => Promise<Place>,
  ): Promise<Place> {
    switch (location.transport) {
      case 'oci':
        return open(layoutTransport, location);
      case 'oci-archive':
        return open(archiveTransport, location);
      case 'registry':
        return open(await this.#reachRegistries(), location);
    }
  }

  /** The client for registries is large, and loaded only where one is named. */
  async #reachRegistries(): Promise<RegistryTransport> {
    const { RegistryTransport } = await import('./registry-transport.ts');
    this.#registries ??= new RegistryTransport(this.#access);
    return this.#registries;
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
