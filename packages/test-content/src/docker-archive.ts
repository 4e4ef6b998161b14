// Archives as `docker save` writes them, see moby/moby, image/tarexport/save.go.
import { gunzipSync } from 'node:zlib';
import { contentOf, jsonBytes, sha256 } from './content.ts';
import { type Bytes, tarOf } from './tar.ts';

/** An image to save. */
export interface SavedImage {
  /** Names such as `ubuntu:24.04`. */
  readonly names: readonly string[];
  /** Tar archives, base layer first, without compression or with gzip. */
  readonly layers: readonly Uint8Array[];
}

/** The configuration of a saved image. Its diff IDs are right. */
export function savedConfig({ layers }: SavedImage): Uint8Array {
  const diffIds = layers.map((layer) => sha256(layer[0] === 0x1f ? gunzipSync(layer) : layer));
  return jsonBytes({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } });
}

/**
 * Creates an archive like Docker 24 and older: each layer has a folder with `layer.tar`, which is a symbolic link if an
 * earlier layer has the same content.
 *
 * @param change - Changes the files of the archive by name. @default none
 */
export function dockerArchive(
  images: readonly SavedImage[],
  change: (files: Record<string, Bytes>) => void = () => {},
): Uint8Array {
  const files: Record<string, Bytes> = {};
  const folders = new Map<string, string>();
  const repositories: Record<string, Record<string, string>> = {};
  const manifest = images.map((image) => {
    const config = savedConfig(image);
    const configFile = `${hexOf(config)}.json`;
    const paths = image.layers.map((layer, position) => {
      const folder = hexOf(jsonBytes([configFile, position]));
      const first = folders.get(sha256(layer));
      files[`${folder}/VERSION`] = '1.0';
      files[`${folder}/json`] = jsonBytes({ id: folder });
      files[`${folder}/layer.tar`] = first === undefined ? layer : `-> ../${first}/layer.tar`;
      if (first === undefined) folders.set(sha256(layer), folder);
      return `${folder}/layer.tar`;
    });
    files[configFile] = config;
    for (const name of image.names) addRepository(repositories, name, paths);
    return { Config: configFile, RepoTags: image.names.length === 0 ? null : image.names, Layers: paths };
  });
  files['manifest.json'] = jsonBytes(manifest);
  files.repositories = jsonBytes(repositories);
  change(files);
  return tarOf(files);
}

/**
 * Creates an archive like Docker 25 and later, which is also an OCI image layout: configurations, layers and manifests
 * are blobs.
 *
 * @param change - Changes the files of the archive by name. @default none
 */
export function dockerLayoutArchive(
  images: readonly SavedImage[],
  change: (files: Record<string, Bytes>) => void = () => {},
): Uint8Array {
  const files: Record<string, Bytes> = {};
  const repositories: Record<string, Record<string, string>> = {};
  const add = (mediaType: string, content: unknown) => {
    const { descriptor, bytes } = contentOf(mediaType, content);
    files[blobPath(bytes)] = bytes;
    return descriptor;
  };
  const roots: object[] = [];
  const manifest = images.map((image) => {
    const config = savedConfig(image);
    const layers = image.layers.map((layer) =>
      add(`application/vnd.oci.image.layer.v1.tar${layer[0] === 0x1f ? '+gzip' : ''}`, layer),
    );
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const root = add(mediaType, {
      schemaVersion: 2,
      mediaType,
      config: add('application/vnd.oci.image.config.v1+json', config),
      layers,
    });
    for (const name of image.names) {
      addRepository(repositories, name, image.layers.map(blobPath));
      const annotations = {
        'io.containerd.image.name': `docker.io/${name.includes('/') ? name : `library/${name}`}`,
        'org.opencontainers.image.ref.name': name.split(':')[1],
      };
      roots.push({ ...root, annotations });
    }
    if (image.names.length === 0) roots.push(root);
    return { Config: blobPath(config), RepoTags: image.names, Layers: image.layers.map(blobPath) };
  });
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: roots };
  files['index.json'] = jsonBytes(index);
  files['manifest.json'] = jsonBytes(manifest);
  files['oci-layout'] = jsonBytes({ imageLayoutVersion: '1.0.0' });
  files.repositories = jsonBytes(repositories);
  change(files);
  return tarOf(files);
}

function addRepository(
  repositories: Record<string, Record<string, string>>,
  name: string,
  paths: readonly string[],
): void {
  const [repository = '', tag = ''] = name.split(':');
  repositories[repository] = { ...repositories[repository], [tag]: paths.at(-1)?.split('/').at(-2) ?? '' };
}

function blobPath(bytes: Uint8Array): string {
  return `blobs/sha256/${hexOf(bytes)}`;
}

function hexOf(bytes: Uint8Array): string {
  return sha256(bytes).slice('sha256:'.length);
}
