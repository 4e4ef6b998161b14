import { archiveTransport } from './archive-transport.ts';
import { layoutTransport } from './layout-transport.ts';
import type { ImageLocation, TransportName } from './location.ts';
import type { ImageDestination, ImageSource, Transport } from './transport.ts';

/** Every kind of place there is. */
const TRANSPORTS: Readonly<Record<TransportName, Transport>> = {
  oci: layoutTransport,
  'oci-archive': archiveTransport,
};

/** Opens the image that a location names, and closes it when `use` is done with it. */
export async function withSource<T>(location: ImageLocation, use: (source: ImageSource) => Promise<T>): Promise<T> {
  const source = await TRANSPORTS[location.transport].openSource(location);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** Opens a place to be written to; what `use` has not delivered leaves nothing behind. */
export async function withDestination<T>(
  location: ImageLocation,
  use: (destination: ImageDestination) => Promise<T>,
): Promise<T> {
  const destination = await TRANSPORTS[location.transport].openDestination(location);
  try {
    return await use(destination);
  } finally {
    await destination.close();
  }
}
