import { describe, expect, it } from 'vitest';
import { type LayerTask, planLayers } from './layer-plan.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const plan = (mediaType: string, { size = 100, isCompat = false, earlier = new Map<string, LayerTask>() } = {}) => {
  const options = { minLayerSize: 100, isCompat, recompress: [] };
  const [layer] = planLayers([{ mediaType, digest: DIGEST, size }], earlier, options);
  if (layer === undefined) throw new Error('expected one plan');
  return 'task' in layer ? layer.task.compression : layer.skipped;
};

describe('planLayers', () => {
  // The same results as soci-snapshotter v0.16.1 (soci/soci_index.go, `buildSociLayer`).
  it.each([
    ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'gzip'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
    ['application/vnd.oci.image.layer.v1.tar', 'uncompressed'],
    ['application/vnd.docker.image.rootfs.diff.tar', 'uncompressed'],
    ['application/vnd.oci.image.layer.v1.tar+zstd', 'unsupported-compression'],
    ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'unsupported-compression'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'unsupported-compression'],
    ['application/vnd.amazon.soci.prefetch.v1+json', 'not-an-image-layer'],
  ])('%s: %s', (mediaType, decision) => {
    expect(plan(mediaType)).toBe(decision);
    expect(plan(mediaType, { isCompat: true })).toBe(decision);
  });

  it('skips layers below the minimum size, and indexes layers of exactly that size', () => {
    expect(plan('application/vnd.oci.image.layer.v1.tar+gzip', { size: 99 })).toBe('smaller-than-min-layer-size');
    expect(plan('application/vnd.oci.image.layer.v1.tar+gzip', { size: 100 })).toBe('gzip');
  });

  it('skips a type that is not a layer type, and rejects the image with compat, even if the layer is small', () => {
    expect(plan('application/vnd.in-toto+json', { size: 1 })).toBe('not-an-image-layer');
    expect(() => plan('application/vnd.in-toto+json', { size: 1, isCompat: true })).toThrow(
      expect.objectContaining({ code: 'LAYER_TYPE_INVALID', digest: DIGEST }),
    );
  });

  it('skips an unknown layer type, and rejects the image with compat, unless the layer is small', () => {
    const mediaType = 'application/vnd.oci.image.layer.v2.tar+gzip';
    expect(plan(mediaType)).toBe('unknown-layer-type');
    expect(plan(mediaType, { size: 1, isCompat: true })).toBe('smaller-than-min-layer-size');
    expect(() => plan(mediaType, { isCompat: true })).toThrow(expect.objectContaining({ code: 'LAYER_TYPE_INVALID' }));
  });

  it.each([
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', 'gzip'],
    ['application/vnd.oci.image.layer.v1.tar+zstd+encrypted', 'unsupported-compression'],
    ['application/vnd.oci.image.layer.v1.tar+encrypted', 'unsupported-compression'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted', 'unsupported-compression'],
  ])('skips the encrypted type %s, and decides like soci with compat', (mediaType, decision) => {
    expect(plan(mediaType)).toBe('encrypted');
    expect(plan(mediaType, { isCompat: true })).toBe(decision);
  });

  it('uses the compression of the same layer in an earlier manifest with compat, like soci', () => {
    const task: LayerTask = { digest: DIGEST, size: 100, mediaType: 'x', compression: 'gzip' };
    const earlier = new Map([[DIGEST, task]]);
    expect(plan('application/vnd.oci.image.layer.v1.tar', { earlier, isCompat: true })).toBe('gzip');
    expect(plan('application/vnd.oci.image.layer.v1.tar', { earlier })).toBe('uncompressed');
  });
});
