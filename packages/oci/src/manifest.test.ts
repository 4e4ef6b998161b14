import { readFileSync } from 'node:fs';
import { goldenLayoutPath, jsonBytes, toBytes } from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import { describeManifest, parseImageIndex, parseManifest } from './manifest.ts';
import {
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER_GZIP,
} from './media-types.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: DIGEST, size: 2 };
const layer = { mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, digest: DIGEST, size: 10 };
const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: [layer] };

function errorOf(bytes: Uint8Array): unknown {
  try {
    parseManifest(bytes);
  } catch (error) {
    return error;
  }
  throw new Error('the manifest was accepted');
}

test('reads every field, and keeps the raw bytes', () => {
  const full = {
    ...manifest,
    config: { ...config, data: 'e30=' },
    layers: [{ ...layer, urls: ['https://example.invalid/x'], annotations: { a: '1' }, artifactType: 'application/x' }],
    subject: { ...layer, platform: { architecture: 'arm', os: 'linux', variant: 'v7', 'os.features': ['f'] } },
    artifactType: 'application/x',
    annotations: { b: '2' },
  };
  const raw = jsonBytes(full);
  const { schemaVersion: _, ...expected } = full;
  expect(parseManifest(raw)).toEqual({ ...expected, raw });
  expect(parseManifest(raw).raw).toBe(raw);
});

test('unknown fields are only in the raw bytes', () => {
  // A manifest of the golden data with `"x-unknown": {"b": 1, "a": [1, 2.5, 1e+30]}`.
  const digest = '12badc4ce728bc9e8391ff2b15e5d65aea28cf939db564bb39ec56d85dae1454';
  const raw = readFileSync(`${goldenLayoutPath('unknown-fields')}/blobs/sha256/${digest}`);
  const parsed = parseManifest(raw);
  expect(Object.keys(parsed)).not.toContain('x-unknown');
  expect(parsed.layers[1]?.urls).toEqual(['https://example.invalid/x']);
  expect(Buffer.from(parsed.raw).toString()).toContain('1e+30');
});

describe('the media type', () => {
  const { mediaType: _, ...untyped } = manifest;

  test('is that of the manifest, else of its descriptor, else the OCI default', () => {
    expect(parseManifest(jsonBytes({ ...manifest, mediaType: MEDIA_TYPE_DOCKER_IMAGE_MANIFEST })).mediaType).toBe(
      MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
    );
    expect(parseManifest(jsonBytes(untyped), { mediaType: MEDIA_TYPE_DOCKER_IMAGE_MANIFEST }).mediaType).toBe(
      MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
    );
    expect(parseManifest(jsonBytes(untyped)).mediaType).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
  });

  test('must match the descriptor', () => {
    expect(() => parseManifest(jsonBytes(manifest), { mediaType: MEDIA_TYPE_DOCKER_IMAGE_MANIFEST })).toThrow(
      /manifest\.mediaType is .*oci.*, but the media type in its descriptor is .*docker/,
    );
    expect(() => parseManifest(jsonBytes(untyped), { mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX })).toThrow(
      'is not the media type of',
    );
  });
});

describe('keys with a meaning in JavaScript are only keys', () => {
  const text = JSON.stringify({ ...manifest, annotations: {} }).replace(
    '"annotations":{}',
    '"annotations":{"__proto__":"p","constructor":"c","toString":"t"}',
  );

  test('in annotations', () => {
    const { annotations } = parseManifest(toBytes(text));
    expect(Object.entries(annotations ?? {})).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['toString', 't'],
    ]);
    expect(annotations?.hasOwnProperty).toBeUndefined();
  });

  test('in the document', () => {
    const bytes = toBytes(`{"__proto__":${JSON.stringify(manifest)}}`);
    expect(errorOf(bytes)).toMatchObject({ code: 'MANIFEST_INVALID' });
    expect(({} as Record<string, unknown>).layers).toBeUndefined();
  });
});

test('the last value of a duplicate key wins, as in Go', () => {
  const twice = toBytes(JSON.stringify(manifest).replace('"layers"', '"layers":[],"layers"'));
  expect(parseManifest(twice).layers).toHaveLength(1);
});

test.each([
  ['invalid JSON', toBytes('{'), 'manifest is not valid JSON'],
  ['empty text', toBytes(''), 'manifest is not valid JSON'],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'not UTF-8'],
  ['a byte order mark', toBytes(`\uFEFF${JSON.stringify(manifest)}`), 'manifest is not valid JSON'],
  ['unclosed brackets', toBytes('['.repeat(1_000_000)), 'manifest is not valid JSON'],
  ['a list', toBytes('[]'), 'manifest must be an object, found a list'],
  ['null', toBytes('null'), 'manifest must be an object, found null'],
  ['schema 1 by its version', jsonBytes({ schemaVersion: 1 }), 'Docker schema 1 manifests are not supported'],
  ['schema 1 by its layers', jsonBytes({ ...manifest, fsLayers: [] }), 'Docker schema 1 manifests are not supported'],
  ['no version', jsonBytes({ config, layers: [] }), 'manifest.schemaVersion must be 2, found nothing'],
  ['the version as text', jsonBytes({ ...manifest, schemaVersion: '2' }), 'must be 2, found "2"'],
  [
    'an index at the same time',
    jsonBytes({ ...manifest, manifests: [] }),
    'the field manifests and could be read as two kinds of document',
  ],
  [
    'the media type of an index',
    jsonBytes({ ...manifest, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX }),
    'not the media type of a manifest',
  ],
  ['no configuration', jsonBytes({ ...manifest, config: null }), 'manifest.config is missing'],
  ['layers that are not a list', jsonBytes({ ...manifest, layers: {} }), 'manifest.layers must be a list'],
  [
    'a layer that is a string',
    jsonBytes({ ...manifest, layers: ['x'] }),
    'manifest.layers[0] must be an object, found "x"',
  ],
  [
    'a digest with another algorithm',
    layerWith({ digest: `md5:${'1'.repeat(32)}` }),
    'manifest.layers[0].digest is not a digest',
  ],
  ['a digest with a path', layerWith({ digest: 'sha256:../../x' }), 'manifest.layers[0].digest is not a digest'],
  ['no digest', layerWith({ digest: undefined }), 'manifest.layers[0].digest must be a digest, found nothing'],
  ['a negative size', layerWith({ size: -1 }), 'manifest.layers[0].size must be a whole number'],
  ['a fractional size', layerWith({ size: 0.5 }), 'manifest.layers[0].size must be a whole number'],
  ['a size past 2^53', layerWith({ size: 2 ** 53 }), 'manifest.layers[0].size must be a whole number'],
  ['a size as text', layerWith({ size: '10' }), 'manifest.layers[0].size must be a whole number'],
  ['no media type', layerWith({ mediaType: '' }), 'manifest.layers[0].mediaType is not a media type'],
  [
    'a header in the media type',
    layerWith({ mediaType: 'a/b\r\nX: y' }),
    'manifest.layers[0].mediaType is not a media type',
  ],
  ['annotations that are a list', layerWith({ annotations: [] }), 'manifest.layers[0].annotations must be an object'],
  [
    'an annotation that is a number',
    layerWith({ annotations: { a: 1 } }),
    'annotations["a"] must be a string, found 1',
  ],
  ['a URL that is a number', layerWith({ urls: [1] }), 'manifest.layers[0].urls[0] must be a string'],
  ['a platform that is a string', layerWith({ platform: 'linux' }), 'manifest.layers[0].platform must be an object'],
  [
    'a platform without an operating system',
    layerWith({ platform: { architecture: 'arm' } }),
    'platform.os must be a string',
  ],
  ['data that is not a string', layerWith({ data: 1 }), 'manifest.layers[0].data must be a string'],
])('rejects %s', (_, bytes, words) => {
  expect(errorOf(bytes)).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining(words) });
});

test.each([
  [
    'a manifest that is too large',
    new Uint8Array(4_194_305),
    'manifest has 4194305 bytes, more than the limit of 4194304',
  ],
  ['too many layers', jsonBytes({ ...manifest, layers: Array(10_001).fill(0) }), 'the limit of 10000'],
])('rejects %s', (_, bytes, words) => {
  expect(errorOf(bytes)).toMatchObject({ code: 'LIMIT_EXCEEDED', message: expect.stringContaining(words) });
});

test('limits can be set', () => {
  expect(() => parseManifest(jsonBytes(manifest), undefined, { maxLayers: 0 })).toThrow('the limit of 0');
  expect(() => parseManifest(jsonBytes(manifest), undefined, { maxManifestSize: 9 })).toThrow('the limit of 9');
});

test('null means absent, as Go writes it', () => {
  const parsed = parseManifest(jsonBytes({ ...manifest, layers: null, annotations: null, subject: null }));
  expect(parsed.layers).toEqual([]);
  expect(parsed).not.toHaveProperty('annotations');
  expect(parsed).not.toHaveProperty('subject');
});

function layerWith(fields: object): Uint8Array {
  return jsonBytes({ ...manifest, layers: [{ ...layer, ...fields }] });
}

describe('an image index', () => {
  const entry = {
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    digest: `sha256:${'1'.repeat(64)}`,
    size: 10,
    annotations: { a: '1' },
    platform: { architecture: 'amd64', os: 'windows', 'os.version': '10.0.20348.2159' },
  };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests: [entry] };

  test('reads every field, and keeps the raw bytes', () => {
    const full = { ...index, subject: entry, artifactType: 'application/x', annotations: { b: '2' } };
    const raw = jsonBytes(full);
    const { schemaVersion: _, ...expected } = full;
    expect(parseImageIndex(raw)).toEqual({ ...expected, raw });
  });

  test('a Docker manifest list is an image index', () => {
    const list = { ...index, mediaType: MEDIA_TYPE_DOCKER_MANIFEST_LIST };
    expect(parseImageIndex(jsonBytes(list), { mediaType: MEDIA_TYPE_DOCKER_MANIFEST_LIST }).mediaType).toBe(
      MEDIA_TYPE_DOCKER_MANIFEST_LIST,
    );
  });

  test('an empty index as Go writes it is accepted', () => {
    expect(parseImageIndex(jsonBytes({ schemaVersion: 2, manifests: null })).manifests).toEqual([]);
  });

  // CVE-2021-41190: the same bytes must not be an index for one reader and a manifest for another.
  test.each(['config', 'layers'])('an index with %s is rejected', (key) => {
    expect(() => parseImageIndex(jsonBytes({ ...index, [key]: [] }))).toThrow(
      expect.objectContaining({
        code: 'MANIFEST_INVALID',
        message: expect.stringContaining(`the field ${key} and could be read as two kinds`),
      }),
    );
  });

  test('rejects the media type of a manifest, in the index and in its descriptor', () => {
    expect(() => parseImageIndex(jsonBytes({ ...index, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST }))).toThrow(
      'not the media type of',
    );
    expect(() => parseImageIndex(jsonBytes(index), { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST })).toThrow(
      'not the media type of',
    );
  });

  test('errors name the position of the entry', () => {
    const broken = { ...index, manifests: [entry, { ...entry, size: -1 }] };
    expect(() => parseImageIndex(jsonBytes(broken))).toThrow('image index.manifests[1].size must be a whole number');
  });

  test('has a limit on entries', () => {
    const huge = jsonBytes({ ...index, manifests: Array(10_001).fill(0) });
    expect(() => parseImageIndex(huge)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });

  test('describeManifest distinguishes manifest and index by media type, else by their fields', () => {
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: entry.digest, size: 2 };
    const typeOf = (document: object) => describeManifest(jsonBytes(document)).mediaType;
    expect(typeOf({ schemaVersion: 2, config, layers: [] })).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
    expect(typeOf({ schemaVersion: 2, manifests: [] })).toBe(MEDIA_TYPE_OCI_IMAGE_INDEX);
    expect(typeOf({ ...index, mediaType: MEDIA_TYPE_DOCKER_MANIFEST_LIST })).toBe(MEDIA_TYPE_DOCKER_MANIFEST_LIST);
    expect(() => typeOf({ schemaVersion: 2, manifests: [], layers: [] })).toThrow('two kinds of document');
    expect(() => typeOf({ schemaVersion: 2, mediaType: 'application/json' })).toThrow(
      'not the media type of a manifest',
    );
  });
});
