import { createHash } from 'node:crypto';
import { OciError, showValue } from './errors.ts';

/** Hash algorithms that are understood. Only `sha256` is ever made here. */
export type DigestAlgorithm = 'sha256' | 'sha512';

/** The two halves of a digest. */
export interface Digest {
  /** Its hash algorithm. */
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hex digits: 64 of `sha256`, 128 of `sha512`. */
  readonly hex: string;
}

/** A digest in the making, for content that comes in pieces. */
export interface Digester {
  /** Takes the next bytes; they may be reused when the call returns. */
  update(bytes: Uint8Array): void;
  /** The digest of all bytes taken, as text. Ends the digester: call it once. */
  digest(): string;
}

const DIGEST_PATTERN = /^(?:(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128}))$/;

/**
 * Parses a digest.
 *
 * @throws OciError `DIGEST_INVALID` where `text` is not `sha256:` and 64, or `sha512:` and 128, lower-case hex digits.
 * @see OCI image-spec v1.1, descriptor.md, "Digests" and "Registered algorithms"
 */
export function parseDigest(text: string): Digest {
  const match = DIGEST_PATTERN.exec(text);
  if (match === null) {
    const message = `${showValue(text)} is no digest: expected sha256: and 64, or sha512: and 128, lower-case hex digits`;
    throw new OciError('DIGEST_INVALID', message);
  }
  return match[1] === undefined
    ? { algorithm: 'sha512', hex: match[4] as string }
    : { algorithm: 'sha256', hex: match[2] as string };
}

/** Whether `text` is a digest that {@link parseDigest} takes. */
export function isDigest(text: string): boolean {
  return DIGEST_PATTERN.test(text);
}

/** The digest of `bytes`, such as `sha256:44136fa3...`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Starts a digest of content that comes in pieces. */
export function createDigester(algorithm: DigestAlgorithm = 'sha256'): Digester {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => `${algorithm}:${hash.digest('hex')}`,
  };
}
