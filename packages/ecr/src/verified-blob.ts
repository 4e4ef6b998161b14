import { Readable } from 'node:stream';
import { type CallOptions, createDigester, type Descriptor, type Fetcher, OciError, parseDigest } from '@soci/oci';

/**
 * A blob as a Node stream, for `pipeline()` and all that takes one. Size and digest are checked in passing: who has not
 * seen `end` has seen unverified bytes, and content that is not what its descriptor says ends in an error, not in `end`.
 *
 * Errors: OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`; what the fetcher throws; the signal's reason.
 *
 * @throws OciError `DIGEST_INVALID` for a digest that cannot be checked.
 */
export async function openVerifiedBlob(
  fetcher: Fetcher,
  target: Descriptor,
  options: CallOptions = {},
): Promise<Readable> {
  const { algorithm, hex } = parseDigest(target.digest);
  // A third of the time that this package takes to load; the pipelines of SOCI indexes do without.
  const { createChecksumStream } = await import('@smithy/util-stream');
  return createChecksumStream({
    source: Readable.from(fetcher.fetch(target, options), { objectMode: false }),
    checksum: new DescriptorChecksum(target, algorithm),
    expectedChecksum: Buffer.from(hex, 'hex').toString('base64'),
    checksumSourceLocation: 'descriptor',
  });
}

/** Judges by itself, so that the stream ends with the same errors as every verified read. */
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
      const problem = `content of ${digest} has the digest ${actual}`;
      throw new OciError('DIGEST_MISMATCH', `${problem}: it is damaged or not the one asked for`);
    }
    return Buffer.from(parseDigest(actual).hex, 'hex');
  }

  /** Part of the interface of a checksum; a stream is read once. */
  reset(): void {}
}
