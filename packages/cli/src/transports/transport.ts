import type { SourceStore, TargetStore } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import type { ImageLocation } from './location.ts';

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

/** A store that an image is read from, and which image. */
export interface ImageSource {
  readonly location: ImageLocation;
  readonly store: SourceStore;
  /** Tag or digest of the image in a registry; its descriptor in a layout. */
  readonly reference: string | Descriptor;
  /** Ends the connections, or closes the file. */
  close(): Promise<void>;
}

/** A store that an image is written to. */
export interface ImageDestination {
  readonly location: ImageLocation;
  readonly store: TargetStore;
  /** Makes visible what was written; a registry shows it at once. */
  commit(): Promise<void>;
  /** Leaves nothing behind of what was not committed; does nothing otherwise. */
  close(): Promise<void>;
}

/**
 * A kind of place that images are read from and written to. A further kind is a file beside this one and a line in
 * `image-stores.ts`.
 */
export interface Transport<Location extends ImageLocation> {
  openSource(location: Location): Promise<ImageSource>;
  /** Checks that the place can be written to, as far as that is known without writing. */
  openDestination(location: Location): Promise<ImageDestination>;
}
