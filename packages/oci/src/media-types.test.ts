import { expect, test } from 'vitest';
import {
  isImageConfig,
  isImageIndex,
  isImageManifest,
  isManifestOrIndex,
  isNonDistributable,
  layerCompression,
  MEDIA_TYPE_DOCKER_IMAGE_CONFIG,
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
} from './media-types.ts';

// Behavior of soci-snapshotter v0.16.1: observed by running it on the golden layouts with these media types, the others
// by reading containerd v2.2.9, core/images/mediatypes.go.
test.each([
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
  ['application/vnd.oci.image.layer.v1.tar', 'uncompressed'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', 'zstd'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'unsupported'],
  ['application/vnd.oci.image.layer.v1.tar+encrypted', 'unsupported'],
  ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+zstd+encrypted', 'zstd'],
  ['application/vnd.oci.image.layer.v2.tar+gzip', 'unrecognized'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'unknown'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted', 'unsupported'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar', 'unknown'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'gzip'],
  ['application/vnd.example.thing', undefined],
  ['application/vnd.oci.image.config.v1+json', undefined],
  ['application/octet-stream', undefined],
  ['', undefined],
])('%s has compression %s', (mediaType, compression) => {
  expect(layerCompression(mediaType)).toBe(compression);
});

test('recognizes OCI and Docker manifests, indexes and configurations', () => {
  expect(
    [MEDIA_TYPE_OCI_IMAGE_MANIFEST, MEDIA_TYPE_DOCKER_IMAGE_MANIFEST, MEDIA_TYPE_OCI_IMAGE_INDEX].map(isImageManifest),
  ).toEqual([true, true, false]);
  expect(
    [MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_DOCKER_MANIFEST_LIST, MEDIA_TYPE_OCI_IMAGE_MANIFEST].map(isImageIndex),
  ).toEqual([true, true, false]);
  expect(
    [MEDIA_TYPE_DOCKER_IMAGE_MANIFEST, MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_CONFIG].map(isManifestOrIndex),
  ).toEqual([true, true, false]);
  expect(
    [MEDIA_TYPE_OCI_IMAGE_CONFIG, MEDIA_TYPE_DOCKER_IMAGE_CONFIG, MEDIA_TYPE_OCI_IMAGE_INDEX].map(isImageConfig),
  ).toEqual([true, true, false]);
});

test('recognizes non-distributable layers by their prefix', () => {
  expect(isNonDistributable('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip')).toBe(true);
  expect(isNonDistributable('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')).toBe(true);
  expect(isNonDistributable('application/vnd.oci.image.layer.v1.tar+gzip')).toBe(false);
});
