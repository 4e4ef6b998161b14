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

function refusal(bytes: Uint8Array): unknown {
  try {
    parseManifest(bytes);
  } catch (error) {
    return error;
  }
  throw new Error('the manifest was taken');
}

test('reads every field, and keeps the bytes beside them', () => {
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

test('unknown fields are dropped from the parsed form and live on in the bytes', () => {
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

  test('is what the manifest says, else what its descriptor says, else OCI', () => {
    expect(parseManifest(jsonBytes({ ...manifest, mediaType: MEDIA_TYPE_DOCKER_IMAGE_MANIFEST })).mediaType).toBe(
      MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
    );
    expect(parseManifest(jsonBytes(untyped), { mediaType: MEDIA_TYPE_DOCKER_IMAGE_MANIFEST }).mediaType).toBe(
      MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
    );
    expect(parseManifest(jsonBytes(untyped)).mediaType).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
  });

  test('must agree with the descriptor', () => {
    expect(() => parseManifest(jsonBytes(manifest), { mediaType: MEDIA_TYPE_DOCKER_IMAGE_MANIFEST })).toThrow(
      /manifest\.mediaType is .*oci.*, but its descriptor says .*docker/,
    );
    expect(() => parseManifest(jsonBytes(untyped), { mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX })).toThrow(
      'is not the media type of',
    );
  });
});

describe('keys that mean something to JavaScript are only keys', () => {
  const text = JSON.stringify({ ...manifest, annotations: {} }).replace(
    '"annotations":{}',
    '"annotations":{"__proto__":"p","constructor":"c","toString":"t"}',
  );

  test('as annotations', () => {
    const { annotations } = parseManifest(toBytes(text));
    expect(Object.entries(annotations ?? {})).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['toString', 't'],
    ]);
    expect(annotations?.hasOwnProperty).toBeUndefined();
  });

  test('as the document itself', () => {
    const bytes = toBytes(`{"__proto__":${JSON.stringify(manifest)}}`);
    expect(refusal(bytes)).toMatchObject({ code: 'MANIFEST_INVALID' });
    expect(({} as Record<string, unknown>).layers).toBeUndefined();
  });
});

test('of a key that stands twice the last counts, as in Go', () => {
  const twice = toBytes(JSON.stringify(manifest).replace('"layers"', '"layers":[],"layers"'));
  expect(parseManifest(twice).layers).toHaveLength(1);
});

test.each([
  ['no JSON', toBytes('{'), 'manifest is not JSON'],
  ['nothing', toBytes(''), 'manifest is not JSON'],
  ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'not UTF-8'],
  ['a byte order mark', toBytes(`\uFEFF${JSON.stringify(manifest)}`), 'manifest is not JSON'],
  ['brackets without end', toBytes('['.repeat(1_000_000)), 'manifest is not JSON'],
  ['a list', toBytes('[]'), 'manifest must be an object, found a list'],
  ['null', toBytes('null'), 'manifest must be an object, found null'],
  ['schema 1 by its version', jsonBytes({ schemaVersion: 1 }), 'Docker schema 1 manifests are not supported'],
  ['schema 1 by its layers', jsonBytes({ ...manifest, fsLayers: [] }), 'Docker schema 1 manifests are not supported'],
  ['no version', jsonBytes({ config, layers: [] }), 'manifest.schemaVersion must be 2, found nothing'],
  ['the version as text', jsonBytes({ ...manifest, schemaVersion: '2' }), 'must be 2, found "2"'],
  ['an index at once', jsonBytes({ ...manifest, manifests: [] }), 'a field of the other kind, manifests'],
  [
    'the media type of an index',
    jsonBytes({ ...manifest, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX }),
    'not the media type of a manifest',
  ],
  ['no configuration', jsonBytes({ ...manifest, config: null }), 'manifest.config is missing'],
  ['layers that are no list', jsonBytes({ ...manifest, layers: {} }), 'manifest.layers must be a list'],
  [
    'a layer that is text',
    jsonBytes({ ...manifest, layers: ['x'] }),
    'manifest.layers[0] must be an object, found "x"',
  ],
  [
    'a digest of another kind',
    layerWith({ digest: `md5:${'1'.repeat(32)}` }),
    'manifest.layers[0].digest is no digest',
  ],
  ['a digest with a path', layerWith({ digest: 'sha256:../../x' }), 'manifest.layers[0].digest is no digest'],
  ['no digest', layerWith({ digest: undefined }), 'manifest.layers[0].digest must be a digest, found nothing'],
  ['a negative size', layerWith({ size: -1 }), 'manifest.layers[0].size must be a whole number'],
  ['half a byte', layerWith({ size: 0.5 }), 'manifest.layers[0].size must be a whole number'],
  ['a size past 2^53', layerWith({ size: 2 ** 53 }), 'manifest.layers[0].size must be a whole number'],
  ['a size as text', layerWith({ size: '10' }), 'manifest.layers[0].size must be a whole number'],
  ['no media type', layerWith({ mediaType: '' }), 'manifest.layers[0].mediaType is no media type'],
  [
    'a header in the media type',
    layerWith({ mediaType: 'a/b\r\nX: y' }),
    'manifest.layers[0].mediaType is no media type',
  ],
  ['annotations that are a list', layerWith({ annotations: [] }), 'manifest.layers[0].annotations must be an object'],
  [
    'an annotation that is a number',
    layerWith({ annotations: { a: 1 } }),
    'annotations["a"] must be a string, found 1',
  ],
  ['an address that is a number', layerWith({ urls: [1] }), 'manifest.layers[0].urls[0] must be a string'],
  ['a platform that is text', layerWith({ platform: 'linux' }), 'manifest.layers[0].platform must be an object'],
  ['a platform without a system', layerWith({ platform: { architecture: 'arm' } }), 'platform.os must be a string'],
  ['data that is no text', layerWith({ data: 1 }), 'manifest.layers[0].data must be a string'],
])('%s is refused', (_, bytes, words) => {
  expect(refusal(bytes)).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining(words) });
});

test.each([
  ['a byte too many', new Uint8Array(4_194_305), 'manifest has 4194305 bytes: the limit is 4194304'],
  ['a layer too many', jsonBytes({ ...manifest, layers: Array(10_001).fill(0) }), 'the limit is 10000'],
])('%s is over the limit', (_, bytes, words) => {
  expect(refusal(bytes)).toMatchObject({ code: 'LIMIT_EXCEEDED', message: expect.stringContaining(words) });
});

test('limits may be set', () => {
  expect(() => parseManifest(jsonBytes(manifest), undefined, { maxLayers: 0 })).toThrow('the limit is 0');
  expect(() => parseManifest(jsonBytes(manifest), undefined, { maxManifestSize: 9 })).toThrow('the limit is 9');
});

test('null stands for what is absent, as Go writes it', () => {
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
    const huge = jsonBytes({ ...index, manifests: Array(10_001).fill(0) });
    expect(() => parseImageIndex(huge)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });

  test('describeManifest tells a manifest from an index by its word, else by its shape', () => {
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: entry.digest, size: 2 };
    const typeOf = (document: object) => describeManifest(jsonBytes(document)).mediaType;
    expect(typeOf({ schemaVersion: 2, config, layers: [] })).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
    expect(typeOf({ schemaVersion: 2, manifests: [] })).toBe(MEDIA_TYPE_OCI_IMAGE_INDEX);
    expect(typeOf({ ...index, mediaType: MEDIA_TYPE_DOCKER_MANIFEST_LIST })).toBe(MEDIA_TYPE_DOCKER_MANIFEST_LIST);
    expect(() => typeOf({ schemaVersion: 2, manifests: [], layers: [] })).toThrow('of the other kind');
    expect(() => typeOf({ schemaVersion: 2, mediaType: 'application/json' })).toThrow(
      'not the media type of a manifest',
    );
  });
});
