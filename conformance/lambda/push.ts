import { walkContent } from '@soci/oci';
import { openLayout } from '@soci/oci/layout';
import type { TestRegistry } from '@soci/test-registry';

/** Repository with the blobs before they are mounted. */
const SHELF = 'shelf';

/**
 * Pushes the image of a layout as a client does, so that the registry emits events. Mounts the blobs from another
 * repository, then pushes each manifest by digest, and the image by its tag.
 *
 * @returns Its digest.
 */
export async function pushLayout(
  registry: TestRegistry,
  repository: string,
  tag: string,
  folder: string,
): Promise<string> {
  await registry.loadLayout(SHELF, folder, 'latest');
  registry.createRepository(repository);
  const layout = await openLayout(folder);
  const root = await layout.resolve();
  for await (const { descriptor, raw } of walkContent(layout, root)) {
    const { digest, mediaType } = descriptor;
    if (raw === undefined) {
      // Registries do not store foreign layers.
      await call(registry, 'POST', `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${SHELF}`, [201, 202]);
    } else {
      await putManifest(registry, repository, digest === root.digest ? tag : digest, mediaType, raw);
    }
  }
  return root.digest;
}

/** Pushes a manifest whose blobs exist. */
function putManifest(
  registry: TestRegistry,
  repository: string,
  reference: string,
  mediaType: string,
  bytes: Uint8Array,
): Promise<void> {
  return call(registry, 'PUT', `/v2/${repository}/manifests/${reference}`, [201], { mediaType, bytes });
}

async function call(
  registry: TestRegistry,
  method: string,
  path: string,
  expected: readonly number[],
  content?: { readonly mediaType: string; readonly bytes: Uint8Array },
): Promise<void> {
  const { username, password } = registry.credentials;
  const answer = await fetch(`${registry.url}${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      ...(content && { 'content-type': content.mediaType }),
    },
    ...(content && { body: Buffer.from(content.bytes) }),
  });
  const text = await answer.text();
  if (!expected.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
}
