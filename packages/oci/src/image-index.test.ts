import { expect, test } from 'vitest';
import { jsonBytes } from './fixtures/image.ts';
import { parseImageIndex } from './image-index.ts';
import { MAX_MANIFESTS } from './limits.ts';
import { describeManifest } from './manifest-kind.ts';
import {
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
} from './media-types.ts';

const entry = {
  mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  digest: `sha256:${'1'.repeat(64)}`,
  size: 10,
  annotations: { a: '1' },
  platform: { architecture: 'amd64', os: 'windows', 'os.version': '10.0.20348.2159' },
};
const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests: [entry] };

test('reads every field, and keeps the bytes beside them', () => {
  const full = { ...index, subject: entry, artifactType: 'application/x', annotations: { b: '2' } };
  const raw = jsonBytes(full);
  const { schemaVersion: _, ...expected } = full;
  expect(parseImageIndex(raw)).toEqual({ ...expected, raw });
});

test('a Docker manifest list is one', () => {
  const list = { ...index, mediaType: MEDIA_TYPE_DOCKER_MANIFEST_LIST };
  expect(parseImageIndex(jsonBytes(list), { mediaType: MEDIA_TYPE_DOCKER_MANIFEST_LIST }).mediaType).toBe(
    MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  );
});

test('an index of nothing, as Go writes it, is one', () => {
  expect(parseImageIndex(jsonBytes({ schemaVersion: 2, manifests: null })).manifests).toEqual([]);
});

// CVE-2021-41190: bytes that read as an index here and as a manifest there are two images under one digest.
test.each(['config', 'layers'])('one that has %s too is refused', (key) => {
  expect(() => parseImageIndex(jsonBytes({ ...index, [key]: [] }))).toThrow(
    expect.objectContaining({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining(`of the other kind, ${key}`),
    }),
  );
});

test('the media type of a manifest is refused, in the index and in its descriptor', () => {
  expect(() => parseImageIndex(jsonBytes({ ...index, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST }))).toThrow(
    'not the media type of',
  );
  expect(() => parseImageIndex(jsonBytes(index), { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST })).toThrow(
    'not the media type of',
  );
});

test('an entry is named by its place', () => {
  const broken = { ...index, manifests: [entry, { ...entry, size: -1 }] };
  expect(() => parseImageIndex(jsonBytes(broken))).toThrow('image index.manifests[1].size must be a whole number');
});

test('has a limit of entries', () => {
  const huge = jsonBytes({ ...index, manifests: Array(MAX_MANIFESTS + 1).fill(0) });
  expect(() => parseImageIndex(huge)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
});

test('describeManifest tells a manifest from an index by its word, else by its shape', () => {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: entry.digest, size: 2 };
  const typeOf = (document: object) => describeManifest(jsonBytes(document)).mediaType;
  expect(typeOf({ schemaVersion: 2, config, layers: [] })).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
  expect(typeOf({ schemaVersion: 2, manifests: [] })).toBe(MEDIA_TYPE_OCI_IMAGE_INDEX);
  expect(typeOf({ ...index, mediaType: MEDIA_TYPE_DOCKER_MANIFEST_LIST })).toBe(MEDIA_TYPE_DOCKER_MANIFEST_LIST);
  expect(() => typeOf({ schemaVersion: 2, manifests: [], layers: [] })).toThrow('of the other kind');
  expect(() => typeOf({ schemaVersion: 2, mediaType: 'application/json' })).toThrow('not the media type of a manifest');
});
