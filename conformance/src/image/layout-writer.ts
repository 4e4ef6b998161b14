import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { renderTar } from '../layer/tar.ts';
import type { ImageCase, ImageSpec, LayerSpec } from './image-case.ts';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const OCI = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
};
const DOCKER = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
};

/** Writes the image of a case to a folder, as an OCI layout with one entry in its index.json. */
export function writeLayout(folder: string, imageCase: ImageCase): void {
  const blobs = join(folder, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, hash), bytes);
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
  };
  const putJson = (mediaType: string, value: object) => put(mediaType, Buffer.from(JSON.stringify(value)));

  const manifests = imageCase.images.flatMap((image) => {
    const manifest = putImage(image, put, putJson);
    const entry = { ...manifest, ...image.descriptorExtra, platform: image.platform };
    return image.isAttested ? [entry, putAttestation(manifest, put, putJson)] : [entry];
  });
  const types = imageCase.isDockerList ? DOCKER : OCI;
  const { platform: _, ...single } = manifests[0] as Descriptor & { platform: unknown };
  const root = imageCase.isIndexed
    ? putJson(types.index, { schemaVersion: 2, mediaType: types.index, manifests, ...imageCase.indexExtra })
    : single;
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root] }));
}

type Put = (mediaType: string, bytes: Uint8Array) => Descriptor;
type PutJson = (mediaType: string, value: object) => Descriptor;

function putImage(image: ImageSpec, put: Put, putJson: PutJson): Descriptor {
  const types = image.isDocker ? DOCKER : OCI;
  const config = {
    ...putJson(types.config, { ...image.platform, rootfs: { type: 'layers', diff_ids: [] } }),
    ...image.configExtra,
  };
  const layers = image.layers.map((layer) => ({
    ...put(layer.mediaType, renderBlob(layer)),
    ...(layer.annotations && { annotations: layer.annotations }),
  }));
  return putJson(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config,
    layers,
    ...image.manifestExtra,
  });
}

function renderBlob({ encoding, tar }: LayerSpec): Uint8Array {
  if (encoding === 'opaque') return Buffer.from('(\xb5/\xfd is what zstd begins with', 'latin1');
  const archive = renderTar(tar);
  return encoding === 'gzip' ? gzipSync(archive) : archive;
}

/** Makes an attestation in the format of BuildKit. */
function putAttestation(image: Descriptor, put: Put, putJson: PutJson): Descriptor {
  const config = putJson(OCI.config, {
    architecture: 'unknown',
    os: 'unknown',
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const statement = put('application/vnd.in-toto+json', Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}'));
  const manifest = putJson(OCI.manifest, { schemaVersion: 2, mediaType: OCI.manifest, config, layers: [statement] });
  return {
    ...manifest,
    ...{
      annotations: { 'vnd.docker.reference.digest': image.digest, 'vnd.docker.reference.type': 'attestation-manifest' },
    },
    ...{ platform: { architecture: 'unknown', os: 'unknown' } },
  };
}
