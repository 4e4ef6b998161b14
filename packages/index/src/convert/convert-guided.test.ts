import { gzipSync } from 'node:zlib';
import type { Descriptor, Fetcher } from '@soci/oci';
import { AMD64, noise, put, putImage, tarOf } from '@soci/test-content';
import { decodeZtocFiles, decodeZtocSpans } from '@soci/ztoc';
import { describe, expect, it } from 'vitest';
import { CountingStore } from '../fixtures/counting-store.ts';
import type { SociIndexOptions } from '../options.ts';
import type { StartProfile } from '../profile/start-profile.ts';
import { ANNOTATION_LAYER_DIGEST, ANNOTATION_SPAN_SIZE } from '../vocabulary.ts';
import { type ConvertedImage, convertImage } from './convert-image.ts';

const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
const MIB = 1 << 20;

const profileOf = (...paths: string[]): StartProfile => ({ files: paths.map((path) => ({ path })) });

/** Two layers: `/app/a` to `/app/f` of 3 MiB each, and `/data/x` of 9 MiB. */
const APP = tarOf(Object.fromEntries([...'abcdef'].map((name, i) => [`app/${name}`, noise(3 * MIB, i + 1)])));
const DATA = tarOf({ 'data/x': noise(9 * MIB, 9), 'data/link': '-> ../app/b' });

async function putAppImage(store = new CountingStore(), layers: readonly Uint8Array[] = [APP, DATA]) {
  const put_ = await Promise.all(layers.map((tar) => put(store, GZIP, gzipSync(tar, { level: 1 }))));
  return { store, image: await putImage(store, AMD64, put_), layers: put_ };
}

async function convert(store: Fetcher, image: Descriptor, options: SociIndexOptions): Promise<ConvertedImage> {
  const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1, ...options });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  return result;
}

/** Returns the zTOC of a layer, and the annotations of its descriptor. */
function ztocOf({ artifacts }: ConvertedImage, layer: Descriptor) {
  const found = artifacts.find(
    ({ kind, descriptor }) => kind === 'ztoc' && descriptor.annotations?.[ANNOTATION_LAYER_DIGEST] === layer.digest,
  );
  if (found === undefined) throw new Error(`no zTOC for ${layer.digest}`);
  return {
    bytes: found.content,
    annotations: found.descriptor.annotations ?? {},
    spans: decodeZtocSpans(found.content),
  };
}

describe('a profile', () => {
  it('divides the spans that contain its files, and no others', async () => {
    const {
      store,
      image,
      layers: [app, data],
    } = await putAppImage();
    const result = await convert(store, image, { profile: profileOf('/app/b') });
    const [guided, coarse] = [ztocOf(result, app as Descriptor), ztocOf(result, data as Descriptor)];
    expect(coarse.spans).toHaveLength(1);
    expect(coarse.annotations[ANNOTATION_SPAN_SIZE]).toBe(String(16 * MIB));
    expect(guided.annotations[ANNOTATION_SPAN_SIZE]).toBe(String(MIB / 4));
    const file = [...decodeZtocFiles(guided.bytes)].find(({ name }) => Buffer.from(name).toString() === 'app/b');
    const { uncompressedOffset: start = 0, uncompressedSize: size = 0 } = file ?? {};
    const read = guided.spans.filter((span) => span.uncompressedStart < start + size && span.uncompressedEnd > start);
    const bytes = read.reduce((sum, span) => sum + span.uncompressedEnd - span.uncompressedStart, 0);
    expect(bytes).toBeLessThan(size + MIB);
    expect(result.platforms[0]?.start).toMatchObject({ files: 1, filesFound: 1 });
  });
});
