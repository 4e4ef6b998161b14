import type { ImageContent } from './image.ts';

/** A test registry, as far as an image is pushed to it. */
export interface PushTarget {
  readonly url: string;
  readonly credentials: { readonly username: string; readonly password: string };
  putBlob(repository: string, bytes: Uint8Array): Promise<unknown>;
}

/**
 * Pushes an image as a client does, everything below it first: under a tag, or by its digest alone. Each manifest goes by the OCI
 * API and raises an event; blobs are put in directly.
 *
 * @returns Its digest.
 */
export async function pushImage(
  registry: PushTarget,
  repository: string,
  tag: string | undefined,
  image: ImageContent,
): Promise<string> {
  for (const below of image.manifests) await pushImage(registry, repository, undefined, below);
  for (const { bytes } of image.blobs) await registry.putBlob(repository, bytes);
  const { username, password } = registry.credentials;
  const { digest, mediaType } = image.descriptor;
  const response = await fetch(`${registry.url}/v2/${repository}/manifests/${tag ?? digest}`, {
    method: 'PUT',
    headers: {
      'content-type': mediaType,
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    },
    body: Buffer.from(image.bytes),
  });
  if (response.status !== 201) throw new Error(`the registry answers ${response.status} ${await response.text()}`);
  return digest;
}
