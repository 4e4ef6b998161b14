import { archiveTransport } from './archive-transport.ts';
import { layoutTransport } from './layout-transport.ts';
import type { ImageLocation, TransportName } from './location.ts';
import type { ImageDestination, ImageSource, Transport } from './transport.ts';

/** Every kind of place there is. */
const TRANSPORTS: Readonly<Record<TransportName, Transport>> = {
  oci: layoutTransport,
  'oci-archive': archiveTransport,
};

/** Opens the image that a location names, to be read. */
export function openSource(location: ImageLocation): Promise<ImageSource> {
  return TRANSPORTS[location.transport].openSource(location);
}

/** Opens a place to be written to. */
export function openDestination(location: ImageLocation): Promise<ImageDestination> {
  return TRANSPORTS[location.transport].openDestination(location);
}
