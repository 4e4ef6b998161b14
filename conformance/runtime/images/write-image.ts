import { join } from 'node:path';
import { copyImage, type Descriptor } from '@soci/oci';
import { createLayout, openLayout } from '@soci/oci/layout';
import { openRegistry } from '@soci/registry';
import { type Content, contentOf, makeManifest, sha256 } from '@soci/test-content';

const OCI = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  gzipLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};

const DOCKER: typeof OCI = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar',
  gzipLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};

/** A layer: its archive, and the archive in the encoding of the blob. */
export interface Layer {
  readonly archive: Uint8Array;
  readonly blob: Uint8Array;
}

/** An image for one or several platforms. */
export interface ImageSources {
  /** Layers by platform, such as `linux/amd64`. */
  readonly platforms: Readonly<Record<string, readonly Layer[]>>;
  /** Media types of Docker instead of OCI. @default false */
  readonly isDocker?: boolean;
}

/** Writes an image to a new layout. */
export async function writeImage(folder: string, { platforms, isDocker = false }: ImageSources): Promise<void> {
  const types = isDocker ? DOCKER : OCI;
  const layout = await createLayout(folder);
  const manifests: Descriptor[] = [];
  for (const [platform, layers] of Object.entries(platforms)) {
    const [os = '', architecture = ''] = platform.split('/');
    const diffIds = layers.map(({ archive }) => sha256(archive));
    const config = { os, architecture, config: {}, rootfs: { type: 'layers', diff_ids: diffIds } };
    const blobs = layers.map(({ archive, blob }): Content => {
      return contentOf(blob === archive ? types.layer : types.gzipLayer, blob);
    });
    const image = makeManifest(types.manifest, contentOf(types.config, config), blobs);
    for (const { descriptor, bytes } of [...image.blobs, image]) await layout.push(descriptor, bytes);
    manifests.push({ ...image.descriptor, platform: { os, architecture } });
  }
  const [only] = manifests as [Descriptor];
  if (manifests.length === 1) {
    const { platform: _, ...root } = only;
    await layout.addRoot(root);
  } else {
    const index = contentOf(types.index, { schemaVersion: 2, mediaType: types.index, manifests });
    await layout.push(index.descriptor, index.bytes);
    await layout.addRoot(index.descriptor);
  }
  await layout.commit();
}

/**
 * Copies an image of a layout to a registry that speaks plain HTTP, byte for byte.
 *
 * @param image - By default, the first image in index.json.
 */
export async function pushLayout(
  folder: string,
  host: string,
  repository: string,
  tag: string,
  image?: Descriptor,
): Promise<void> {
  const layout = await openLayout(folder);
  const root = image ?? ((await layout.roots())[0] as Descriptor);
  const registry = openRegistry(host);
  try {
    const target = registry.repository(repository);
    await copyImage(layout, target, root);
    await target.tag(root, tag);
  } finally {
    registry.close();
  }
}

/** Returns the path of a blob in a layout. */
export function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'));
}
