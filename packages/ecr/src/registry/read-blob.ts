import type { CallOptions, Descriptor } from '@soci/oci';
import type { RegistryHttp } from '../transport/registry-http.ts';
import { readSpan } from './read-span.ts';
import { type BlobOptions, RemoteBlob } from './remote-blob.ts';

/** Options of {@link readBlob}. */
export interface ReadBlobOptions extends BlobOptions, CallOptions {}

/**
 * Yields a blob over one connection, its chunks as they come from the socket; each owns its memory. A body that breaks
 * off goes on where it was. Where the registry knows no ranges, the blob is begun again once and what was handed out
 * passed over: it is never read more than twice.
 *
 * Whether the bytes have the blob's digest is for the receiver to check; that they are not too many or too few is checked.
 *
 * @throws OciError `NOT_FOUND`, `SIZE_MISMATCH`; RegistryError what the last attempt failed with.
 */
export function readBlob(
  http: RegistryHttp,
  repository: string,
  target: Descriptor,
  options: ReadBlobOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = options;
  const blob = new RemoteBlob(http, repository, target, options);
  return readSpan(blob, { offset: 0, length: blob.size }, { maxSkip: blob.size, ...(signal && { signal }) });
}
