import type { CallOptions, Descriptor, Fetcher, Prober, RangeFetcher, ReferrerLister } from '@soci/oci';
import type { ImageLocation } from './location.ts';

/** An image that is read. */
export interface ImageSource {
  readonly location: ImageLocation;
  readonly store: Fetcher & RangeFetcher & Prober & ReferrerLister;
  /** The image, or the image index, that the location names. */
  readonly root: Descriptor;
  /**
   * Looks again what the location names, where somebody else may have given the name away in the meantime.
   *
   * @throws CliError `SOURCE_MOVED` where it names another image by now.
   */
  checkUnmoved(call: CallOptions): Promise<void>;
  /** Ends the connections, or closes the file. */
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
  /** Where most of it came from; blobs may be taken over from there as they are. */
  readonly source: ImageSource;
  /** Digests of what was made in this run, and is not in the source. */
  readonly made: ReadonlySet<string>;
  /** Digests of blobs that were read and found right in this run, and need not be checked again. */
  readonly verified: ReadonlySet<string>;
  readonly signal: AbortSignal;
  /** Called when all is there but the names, where there are any; what it throws leaves them as they were. */
  readonly beforeNaming: () => Promise<void>;
  /** Told of bytes as they are written, and of what they are part. */
  readonly onBytes: (bytes: number, piece: Descriptor) => void;
}

/** What a place holds before anything is written to it. */
export interface Holdings {
  readonly store: Fetcher & ReferrerLister;
  /** What bears the name that is to be given; undefined where nothing does, or no name is given. */
  readonly current: Descriptor | undefined;
  /**
   * What bears other names there, the most alike first; not all of it. Where no name is to be given, that of the image is
   * what they are like; where the image is in the same place, it is none of them.
   */
  neighbours(image: ImageSource, call: CallOptions): Promise<readonly Descriptor[]>;
}

/** A place that is written to. What is written appears there whole or not at all. */
export interface ImageDestination {
  readonly location: ImageLocation;
  /** What is there already, of a place that others write to as well, and that is asked before it is written to. */
  readonly holdings?: Holdings;
  /**
   * Writes a piece that every index has, so that a place which takes nothing is known before the work is done. Absent where
   * opening has shown that already.
   */
  tryWriting?(call: CallOptions): Promise<void>;
  /** Writes what is to be written, the names last. */
  deliver(delivery: Delivery): Promise<void>;
  /** Leaves nothing behind of what was not delivered; does nothing otherwise. */
  close(): Promise<void>;
}

/**
 * A kind of place that images are read from and written to. A further kind is a file beside this one and a line in
 * `image-stores.ts`.
 */
export interface Transport<Location extends ImageLocation> {
  openSource(location: Location, call: CallOptions): Promise<ImageSource>;
  /** Checks that the place can be written to, before any work is done. */
  openDestination(location: Location, call: CallOptions): Promise<ImageDestination>;
}

/** How registries are reached: what the command line says of it. */
export interface RegistryAccess {
  /** Where proxies and credentials are named. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of every request, for `--debug`; nothing in it is secret. */
  readonly trace: (line: string) => void;
  /** Who asks. @default found by the registry's host: AWS's credentials for ECR, docker's for others */
  readonly account?: { readonly username: string; readonly password: string };
  /** File of credentials, as docker writes it. @default docker's own */
  readonly authfile?: string;
  /** Speak http. @default only on loopback, where nothing answers https */
  readonly plainHttp?: boolean;
  /** Certificates to trust beside the system's, PEM. @default none */
  readonly ca?: string;
  /** Times that a request which failed in passing is sent again. @default 5 */
  readonly retries?: number;
  /** Milliseconds without a byte after which a connection is given up. @default 30,000 */
  readonly stallTimeout?: number;
}

/** The same content; tells of what is read from it. */
export function countBytes({ content, onBytes }: Pick<Delivery, 'content' | 'onBytes'>): Delivery['content'] {
  return {
    exists: (target, options) => content.exists(target, options),
    async *fetch(target, options) {
      for await (const chunk of content.fetch(target, options)) {
        onBytes(chunk.length, target);
        yield chunk;
      }
    },
  };
}
