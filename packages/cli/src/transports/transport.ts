import type { Descriptor, Fetcher, Prober, RangeFetcher, ReferrerLister } from '@soci/oci';
import type { ImageLocation } from './location.ts';

/** An image that is read. */
export interface ImageSource {
  readonly location: ImageLocation;
  readonly store: Fetcher & RangeFetcher & Prober & ReferrerLister;
  /** The image, or the image index, that the location names. */
  readonly root: Descriptor;
  close(): Promise<void>;
}

/** A manifest to be listed where it is written to. */
export interface NamedRoot {
  readonly target: Descriptor;
  /** Its name there; empty for none. */
  readonly reference: string;
}

/** What is to be written: manifests with everything that they refer to. */
export interface Delivery {
  /** Where all of it is read from. */
  readonly content: Fetcher & Prober;
  readonly roots: readonly NamedRoot[];
  /** Where most of it came from; blobs may be taken over from there as files. */
  readonly source: ImageSource;
  /** Digests of blobs that were read and found right in this run, and need not be checked again. */
  readonly verified: ReadonlySet<string>;
  readonly signal: AbortSignal;
  /** Told of bytes as they are written. */
  readonly onBytes: (bytes: number) => void;
}

/** A place that is written to. What is written appears there whole or not at all. */
export interface ImageDestination {
  readonly location: ImageLocation;
  deliver(delivery: Delivery): Promise<void>;
  /** Leaves nothing behind of what was not delivered; does nothing otherwise. */
  close(): Promise<void>;
}

/**
 * A kind of place that images are read from and written to. A further kind is a file beside this one and a line in
 * `open-image.ts`.
 */
export interface Transport {
  openSource(location: ImageLocation): Promise<ImageSource>;
  /** Checks that the place can be written to, before any work is done. */
  openDestination(location: ImageLocation): Promise<ImageDestination>;
}
