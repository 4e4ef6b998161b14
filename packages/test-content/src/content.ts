import { createHash } from 'node:crypto';

/** Descriptor as in the OCI image specification. */
export interface ContentDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** Bytes with their descriptor. */
export interface Content {
  readonly descriptor: ContentDescriptor;
  readonly bytes: Uint8Array;
}

/** The part of a store that accepts content. */
export interface ContentStore {
  push(target: ContentDescriptor, content: Uint8Array): Promise<unknown>;
}

/** Returns the SHA-256 digest of bytes, computed with `node:crypto`. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Returns the descriptor of bytes. */
export function describeContent(mediaType: string, bytes: Uint8Array): ContentDescriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

/** Creates content from bytes, text (as UTF-8) or any other value (as JSON). */
export function contentOf(mediaType: string, content: unknown): Content {
  const text = () => new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
  const bytes = content instanceof Uint8Array ? content : text();
  return { descriptor: describeContent(mediaType, bytes), bytes };
}

/** Encodes a value as JSON. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Pushes content to a store, encoded as by {@link contentOf}. Returns its descriptor. */
export async function put(store: ContentStore, mediaType: string, content: unknown): Promise<ContentDescriptor> {
  const { descriptor, bytes } = contentOf(mediaType, content);
  await store.push(descriptor, bytes);
  return descriptor;
}

/** Streams bytes in chunks of `chunkSize` bytes. */
export async function* streamOf(bytes: Uint8Array, chunkSize = 100_000): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < bytes.length; offset += chunkSize) yield bytes.slice(offset, offset + chunkSize);
}

/** Returns all items of a stream. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Returns all bytes of a stream. Copies each chunk, because the stream may reuse its memory. */
export async function drain(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Uint8Array[] = [];
  for await (const chunk of chunks) copies.push(new Uint8Array(chunk));
  return Buffer.concat(copies);
}
