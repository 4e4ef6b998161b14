import { createHash } from 'node:crypto';

/** What names content, as in the OCI image specification. */
export interface ContentDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** Bytes with the descriptor that names them. */
export interface Content {
  readonly descriptor: ContentDescriptor;
  readonly bytes: Uint8Array;
}

/** A store of any kind, as far as content is put into it. */
export interface ContentStore {
  push(target: ContentDescriptor, content: Uint8Array): Promise<unknown>;
}

/** The sha256 digest of bytes, by Node alone. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The descriptor of bytes. */
export function describeContent(mediaType: string, bytes: Uint8Array): ContentDescriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

/** Content of a media type: bytes as they are, text as UTF-8, anything else as JSON. */
export function contentOf(mediaType: string, content: unknown): Content {
  const text = () => new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
  const bytes = content instanceof Uint8Array ? content : text();
  return { descriptor: describeContent(mediaType, bytes), bytes };
}

/** A value as JSON in UTF-8. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Puts content into a store, as {@link contentOf} makes it. Returns its descriptor. */
export async function put(store: ContentStore, mediaType: string, content: unknown): Promise<ContentDescriptor> {
  const { descriptor, bytes } = contentOf(mediaType, content);
  await store.push(descriptor, bytes);
  return descriptor;
}

/** A stream of bytes, in chunks of `chunkSize`, that can be read once. */
export async function* streamOf(bytes: Uint8Array, chunkSize = 100_000): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < bytes.length; offset += chunkSize) yield bytes.slice(offset, offset + chunkSize);
}

/** All items of a stream. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** All bytes of a stream. Each chunk is copied when it comes, since the stream may use its memory again. */
export async function drain(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Uint8Array[] = [];
  for await (const chunk of chunks) copies.push(new Uint8Array(chunk));
  return Buffer.concat(copies);
}
