// Generated images for tests. Media types: OCI image specification, Docker image manifest v2.
import { gzipSync } from 'node:zlib';
import { type Content, type ContentDescriptor, type ContentStore, contentOf, put } from './content.ts';
import { Random } from './random.ts';
import { tarOf } from './tar.ts';

const CONFIG = 'application/vnd.oci.image.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

/** A manifest or image index with all referenced content. */
export interface ImageContent extends Content {
  readonly blobs: readonly Content[];
  /** Manifests in an image index. */
  readonly manifests: readonly ImageContent[];
}

/** A platform in a configuration or an image index. */
export interface ImagePlatform {
  readonly architecture: string;
  readonly os: string;
}

export const AMD64: ImagePlatform = { architecture: 'amd64', os: 'linux' };
export const ARM64: ImagePlatform = { architecture: 'arm64', os: 'linux' };
export const S390X: ImagePlatform = { architecture: 's390x', os: 'linux' };

/** Creates a gzip layer with one incompressible file of `size` bytes. The content depends on the name. */
export function makeLayer(name: string, size = 20_000, mediaType = `${LAYER}+gzip`): Content {
  return contentOf(mediaType, gzipSync(makeTar(name, size), { level: 1 }));
}

/** Creates a layer with the media type and the magic number of zstd, but without valid zstd data. */
export function makeZstdLayer(name: string): Content {
  return contentOf(`${LAYER}+zstd`, Buffer.concat([Buffer.from('28b52ffd', 'hex'), makeTar(name, 20_000)]));
}

/** Creates a truncated gzip layer. */
export function makeBrokenLayer(name: string): Content {
  const { bytes } = makeLayer(name);
  return contentOf(`${LAYER}+gzip`, bytes.subarray(0, bytes.length >> 1));
}

/** Creates an image with these layers. */
export function makeImage(
  layers: readonly Content[],
  { platform = AMD64, ...fields }: { platform?: ImagePlatform; annotations?: object } = {},
): ImageContent {
  return makeManifest(MANIFEST, contentOf(CONFIG, configOf(platform)), layers, fields);
}

/** Creates an image with one layer of arbitrary content, for tests that only copy it. */
export function smallImage(layer: string | Uint8Array = 'layer') {
  const manifest = makeImage([contentOf(`${LAYER}+gzip`, layer)]);
  return { blobs: manifest.blobs, manifest };
}

/** Creates an image with Docker media types and a layer for each name. */
export function makeDockerImage(names: readonly string[]): ImageContent {
  const layers = names.map((name) => makeLayer(name, 20_000, DOCKER_LAYER));
  return makeManifest(DOCKER_MANIFEST, contentOf(DOCKER_CONFIG, configOf(AMD64)), layers);
}

/** Creates an image index. `fields` are added to the entry. */
export function makeIndex(entries: readonly { readonly made: ImageContent; readonly fields: object }[]): ImageContent {
  const manifests = entries.map(({ made, fields }) => ({ ...made.descriptor, ...fields }));
  const index = contentOf(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
  return { ...index, blobs: [], manifests: entries.map(({ made }) => made) };
}

/** Creates a manifest with a configuration and layers. */
export function makeManifest(
  mediaType: string,
  config: Content,
  layers: readonly Content[],
  fields: object = {},
): ImageContent {
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...fields,
  };
  return { ...contentOf(mediaType, manifest), blobs: [config, ...layers], manifests: [] };
}

/** Creates an attestation manifest like BuildKit. */
export function makeBuildKitAttestation(): ImageContent {
  const config = contentOf(CONFIG, { architecture: 'unknown', os: 'unknown', rootfs: { type: 'layers' } });
  const statement = contentOf('application/vnd.in-toto+json', { predicateType: 'https://slsa.dev/provenance' });
  return makeManifest(MANIFEST, config, [statement]);
}

/** Creates a Helm chart. */
export function makeHelmChart(): ImageContent {
  const config = contentOf('application/vnd.cncf.helm.config.v1+json', { name: 'app', version: '1.0.0' });
  const chart = makeLayer('Chart.yaml', 20_000, 'application/vnd.cncf.helm.chart.content.v1.tar+gzip');
  return makeManifest(MANIFEST, config, [chart]);
}

/** Creates a signature like cosign, which has the configuration type of an image. */
export function makeSignature({ descriptor }: Content): ImageContent {
  const payload = { critical: { image: { 'docker-manifest-digest': descriptor.digest } } };
  const signature = contentOf('application/vnd.dev.cosign.simplesigning.v1+json', payload);
  return makeManifest(MANIFEST, contentOf(CONFIG, {}), [signature]);
}

/** Creates an attestation like cosign. */
export function makeAttestation({ descriptor }: Content): ImageContent {
  const envelope = contentOf('application/vnd.dsse.envelope.v1+json', { payload: descriptor.digest });
  return makeManifest(MANIFEST, contentOf(CONFIG, {}), [envelope]);
}

/** Pushes a layer to a store, see {@link makeLayer}. */
export function putLayer(store: ContentStore, name: string, size: number): Promise<ContentDescriptor> {
  const { descriptor, bytes } = makeLayer(name, size);
  return put(store, descriptor.mediaType, bytes);
}

/** Pushes an image to a store that contains its layers. `fields` are added to the manifest. */
export async function putImage(
  store: ContentStore,
  platform: object,
  layers: readonly ContentDescriptor[],
  fields: object = {},
): Promise<ContentDescriptor> {
  const config = await put(store, CONFIG, configOf(platform));
  return put(store, MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers, ...fields });
}

/** Pushes an image index to a store. */
export function putIndex(store: ContentStore, manifests: readonly object[]): Promise<ContentDescriptor> {
  return put(store, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
}

/** The part of a test registry that accepts images. */
export interface PushTarget {
  readonly url: string;
  readonly credentials: { readonly username: string; readonly password: string };
  putBlob(repository: string, bytes: Uint8Array): Promise<unknown>;
}

/**
 * Pushes an image with a tag, or by digest if `tag` is undefined. Pushes manifests through the OCI API, which emits events,
 * and stores blobs directly. Returns the digest.
 */
export async function pushImage(
  registry: PushTarget,
  repository: string,
  tag: string | undefined,
  image: ImageContent,
): Promise<string> {
  for (const manifest of image.manifests) await pushImage(registry, repository, undefined, manifest);
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
  if (response.status !== 201) throw new Error(`PUT manifest failed: ${response.status} ${await response.text()}`);
  return digest;
}

function configOf(platform: object): object {
  return 'rootfs' in platform ? platform : { ...platform, rootfs: { type: 'layers', diff_ids: [] } };
}

function makeTar(name: string, size: number): Uint8Array {
  return tarOf({ [name]: new Random(...Buffer.from(name)).bytes(size) });
}
