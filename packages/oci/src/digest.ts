import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { OciError, showValue } from './errors.ts';

/** Supported hash algorithms. Only `sha256` digests are created. */
export type DigestAlgorithm = 'sha256' | 'sha512';

/** A parsed digest. */
export interface Digest {
  /** Hash algorithm. */
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hex digits: 64 for `sha256`, 128 for `sha512`. */
  readonly hex: string;
}

/** An incremental digest. */
export interface Digester {
  /** Adds bytes, which may be overwritten after the call. */
  update(bytes: Uint8Array): void;
  /** Returns the digest of all bytes as text. Call it once, at the end. */
  digest(): string;
}

const DIGEST_PATTERN = /^(?:(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128}))$/;

/**
 * Parses a digest.
 *
 * @throws OciError `DIGEST_INVALID` unless `text` is `sha256:` and 64, or `sha512:` and 128, lower-case hex digits.
 * @see OCI image-spec v1.1, descriptor.md, "Digests" and "Registered algorithms"
 */
export function parseDigest(text: string): Digest {
  const match = DIGEST_PATTERN.exec(text);
  if (match === null) {
    const message = `invalid digest ${showValue(text)}: expected sha256: and 64, or sha512: and 128, lower-case hex digits`;
    throw new OciError('DIGEST_INVALID', message);
  }
  return match[1] === undefined
    ? { algorithm: 'sha512', hex: match[4] as string }
    : { algorithm: 'sha256', hex: match[2] as string };
}

/** Reports whether {@link parseDigest} accepts `text`. */
export function isDigest(text: string): boolean {
  return DIGEST_PATTERN.test(text);
}

/** Returns the digest of `bytes`, such as `sha256:44136fa3...`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): string {
  const digester = createDigester(algorithm);
  digester.update(bytes);
  return digester.digest();
}

/** Creates an incremental digest: native on Node.js, in JavaScript in browsers. */
export function createDigester(algorithm: DigestAlgorithm = 'sha256'): Digester {
  const hash = nodeCrypto?.createHash(algorithm) ?? PORTABLE[algorithm].create();
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => `${algorithm}:${formatHex(hash.digest())}`,
  };
}

/** Loaded at run time: bundlers for browsers cannot resolve an import of `node:crypto`. */
const nodeCrypto = /* @__PURE__ */ loadNodeCrypto();

function loadNodeCrypto(): typeof import('node:crypto') | undefined {
  // `process` is absent in browsers, and a bundler's polyfill of it has no such method.
  if (typeof process !== 'object' || typeof process.getBuiltinModule !== 'function') return undefined;
  return process.getBuiltinModule('node:crypto');
}

const PORTABLE = { sha256, sha512 } as const;

function formatHex(hash: Uint8Array): string {
  let hex = '';
  for (const byte of hash) hex += byte.toString(16).padStart(2, '0');
  return hex;
}
