import { describe, expect, it } from 'vitest';
import { type LayerTask, planLayers } from './layer-plan.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const plan = (mediaType: string, { size = 100, isCompat = false, earlier = new Map<string, LayerTask>() } = {}) => {
  const [layer] = planLayers([{ mediaType, digest: DIGEST, size }], earlier, { minLayerSize: 100, isCompat });
  if (layer === undefined) throw new Error('a plan for each layer');
  return 'task' in layer ? layer.task.compression : layer.skipped;
};

describe('planLayers', () => {
  // Each as soci-snapshotter v0.16.1 decides (soci/soci_index.go, `buildSociLayer`).
  it.each([
    ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'gzip'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', 'gzip'],
    ['application/vnd.oci.image.layer.v1.tar', 'uncompressed'],
    ['application/vnd.docker.image.rootfs.diff.tar', 'uncompressed'],
    ['application/vnd.oci.image.layer.v1.tar+zstd', 'unsupported-compression'],
    ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'unsupported-compression'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar', 'unsupported-compression'],
    ['application/vnd.oci.image.layer.v1.tar+encrypted', 'unsupported-compression'],
    ['application/vnd.amazon.soci.prefetch.v1+json', 'not-an-image-layer'],
  ])('%s: %s', (mediaType, decision) => {
    expect(plan(mediaType)).toBe(decision);
    expect(plan(mediaType, { isCompat: true })).toBe(decision);
  });

  it('skips layers that are smaller than the minimum, and takes those that are just as large', () => {
    expect(plan('application/vnd.oci.image.layer.v1.tar+gzip', { size: 99 })).toBe('smaller-than-min-layer-size');
    expect(plan('application/vnd.oci.image.layer.v1.tar+gzip', { size: 100 })).toBe('gzip');
  });

  it('skips a type that is no layer, where the reference refuses the image whatever the size', () => {
    expect(plan('application/vnd.in-toto+json', { size: 1 })).toBe('not-an-image-layer');
    expect(() => plan('application/vnd.in-toto+json', { size: 1, isCompat: true })).toThrow(
      expect.objectContaining({ code: 'LAYER_TYPE_INVALID', digest: DIGEST }),
    );
  });

  it('skips a layer of an unknown kind, which the reference refuses only where it is large enough', () => {
    const mediaType = 'application/vnd.oci.image.layer.v2.tar+gzip';
    expect(plan(mediaType)).toBe('unknown-layer-type');
    expect(plan(mediaType, { size: 1, isCompat: true })).toBe('smaller-than-min-layer-size');
    expect(() => plan(mediaType, { isCompat: true })).toThrow(expect.objectContaining({ code: 'LAYER_TYPE_INVALID' }));
  });

  it('builds a layer as an earlier manifest calls it', () => {
    const task: LayerTask = { digest: DIGEST, size: 100, mediaType: 'x', compression: 'gzip' };
    expect(plan('application/vnd.oci.image.layer.v1.tar', { earlier: new Map([[DIGEST, task]]) })).toBe('gzip');
  });
});
