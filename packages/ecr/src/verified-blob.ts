import { Readable } from 'node:stream';
import { type CallOptions, createDigester, type Descriptor, type Fetcher, OciError, parseDigest } from '@soci/oci';

/**
 * Opens a blob as a Node.js stream, for example for `pipeline()`. Size and digest are checked while it is read: all
 * bytes are unverified until `end` is emitted. If the content does not match its descriptor, the stream emits an error
 * instead.
 *
 * Stream errors: OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`; what the fetcher throws; the signal's reason.
 *
 * @throws OciError `DIGEST_INVALID` if the digest is invalid or its algorithm is not supported
 */
export async function openVerifiedBlob(
  fetcher: Fetcher,
  target: Descriptor,
  options: CallOptions = {},
): Promise<Readable> {
  const { algorithm, hex } = parseDigest(target.digest);
  // Imported on demand: it takes a third of the load time of this package, and building SOCI indexes does not need it.
  const { createChecksumStream } = await import('./checksum-stream.ts');
  return createChecksumStream({
    source: Readable.from(fetcher.fetch(target, options), { objectMode: false }),
    checksum: new DescriptorChecksum(target, algorithm),
    expectedChecksum: Buffer.from(hex, 'hex').toString('base64'),
    checksumSourceLocation: 'descriptor',
  });
}

/** Checks size and digest itself, so that the stream fails with the same errors as other verified reads. */
class DescriptorChecksum {
  readonly #target: Descriptor;
  readonly #digester;
  #length = 0;

  constructor(target: Descriptor, algorithm: 'sha256' | 'sha512') {
    this.#target = target;
    this.#digester = createDigester(algorithm);
  }

  update(chunk: Uint8Array): void {
    const { digest, size } = this.#target;
    this.#length += chunk.length;
    if (this.#length > size) {
      throw new OciError('SIZE_MISMATCH', `${digest} has more than the ${size} bytes of its descriptor`);
    }
    this.#digester.update(chunk);
  }

  async digest(): Promise<Uint8Array> {
    const { digest, size } = this.#target;
    if (this.#length !== size) {
      throw new OciError('SIZE_MISMATCH', `${digest} ended after ${this.#length} of ${size} bytes`);
    }
    const actual = this.#digester.digest();
    if (actual !== digest) {
      const problem = `the content of ${digest} has the digest ${actual}`;
      throw new OciError('DIGEST_MISMATCH', `${problem}: it is damaged or not the requested content`);
    }
    return Buffer.from(parseDigest(actual).hex, 'hex');
  }

  /** Does nothing, because a stream is read only once. The interface requires the method. */
  reset(): void {}
}
