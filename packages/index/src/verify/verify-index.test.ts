import { type Descriptor, digestOf, OverlayStore } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { putLayer } from '@soci/test-content';
import { decodeZtoc, encodeZtoc, type Ztoc } from '@soci/ztoc';
import { describe, expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import { openGolden } from '../fixtures/golden.ts';
import type { SociIndexOptions } from '../options.ts';
import { MEDIA_TYPE_SOCI_INDEX_V2 } from '../vocabulary.ts';
import { type VerifyProgress, verifySociIndex } from './verify-index.ts';

/** A small span size, so that layers have many spans. */
const OPTIONS: SociIndexOptions = { minLayerSize: 0, spanSize: 65536, jobs: 1 };

/** Converts a golden layout. */
async function convertGolden(name: string, options: SociIndexOptions = OPTIONS) {
  const { store, image } = await openGolden(name);
  const result = await convertImage(store, image, options);
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  return { store, ...result };
}

/** Returns a store that returns different content for one digest. */
function replace(store: OverlayStore, digest: string, content: Uint8Array): Pick<OverlayStore, 'fetch'> {
  return {
    async *fetch(target, options) {
      if (target.digest === digest) yield content;
      else yield* store.fetch(target, options);
    },
  };
}

async function read(store: OverlayStore, target: Descriptor): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.fetch(target)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Verifies a v1 index in which the first zTOC was changed. The descriptor in the index is adapted. */
async function verifyOtherZtoc(name: string, change: (ztoc: Ztoc) => Ztoc) {
  const { store, image } = await openGolden(name);
  const result = await buildSociIndex(store, image, OPTIONS);
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  const [first] = result.artifacts;
  const manifest = result.artifacts.find(({ kind }) => kind === 'soci-index');
  if (first === undefined || manifest === undefined) throw new Error('expected artifacts');
  const ztoc = encodeZtoc(change(decodeZtoc(first.content)));
  const text = Buffer.from(manifest.content)
    .toString()
    .replaceAll(
      `"digest":"${first.descriptor.digest}","size":${first.descriptor.size}`,
      () => `"digest":"${digestOf(ztoc)}","size":${ztoc.length}`,
    );
  const content = Buffer.from(text);
  const index = { ...manifest.descriptor, digest: digestOf(content), size: content.length };
  const overlay = new OverlayStore(new MemoryStore(), store);
  for (const { descriptor, content } of result.artifacts) await overlay.push(descriptor, content);
  await overlay.push({ ...first.descriptor, digest: digestOf(ztoc), size: ztoc.length }, ztoc);
  await overlay.push(index, content);
  const report = await verifySociIndex(overlay, index);
  return { outcome: report.outcome, problems: report.layers.flatMap(({ problems }) => problems) };
}

const codes = (problems: readonly { code: string }[]) => [...new Set(problems.map(({ code }) => code))];

describe('verifySociIndex', () => {
  it.each([
    'single-oci',
    'single-docker',
    'multi',
    'multi-docker',
    'attested',
    'mixed-compression',
    'docker-uncompressed',
    'same-layer-twice',
    'foreign-layer',
  ])('finds no problems in the index of %s', async (name) => {
    for (const spanSize of [65536, 1 << 22]) {
      const { store, root, indexes } = await convertGolden(name, {
        ...OPTIONS,
        spanSize,
        prefetchFiles: ['dir/file'],
        allowMissingPrefetch: true,
      });
      const report = await verifySociIndex(store, root);
      expect(report).toMatchObject({ outcome: 'valid', problems: [] });
      expect(report.indexes.map(({ index }) => index.digest)).toEqual(indexes.map(({ digest }) => digest));
      for (const { spans, spansRead, filesRead } of report.layers) {
        expect(spansRead).toBe(spans);
        expect(filesRead).toBeGreaterThan(0);
      }
    }
  });

  it('verifies a v1 index by its subject, and a v2 index by its annotations', async () => {
    const { store, image } = await openGolden('single-oci');
    const result = await buildSociIndex(store, image, OPTIONS);
    if (result.outcome !== 'indexed') throw new Error(result.reason);
    for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
    expect(await verifySociIndex(store, result.indexes[0] as Descriptor)).toMatchObject({
      outcome: 'valid',
      indexes: [{ version: 1, manifest: { digest: image.digest } }],
    });
    const v2 = await convertGolden('single-oci');
    const report = await verifySociIndex(v2.store, v2.indexes[0] as Descriptor);
    expect(report).toMatchObject({ outcome: 'valid', indexes: [{ version: 2 }] });
    expect(report.layers.every(({ spansRead }) => spansRead > 0)).toBe(true);
  });

  it('reads only the spans of the files in the sample, the same for the same seed', async () => {
    const { store, root } = await convertGolden('single-oci');
    const spansRead = async (sample: number, seed: number) =>
      (await verifySociIndex(store, root, { sample, seed })).layers.map((layer) => [layer.filesRead, layer.spansRead]);
    expect(await spansRead(0, 1)).toEqual((await spansRead(0, 2)).map(() => [0, 0]));
    expect(await spansRead(2, 5)).toEqual(await spansRead(2, 5));
    for (const [files, spans] of await spansRead(1, 1)) {
      expect(files).toBe(1);
      expect(spans).toBeGreaterThan(0);
    }
  });

  it('reports progress', async () => {
    const { store, root, layers } = await convertGolden('single-oci');
    const events: VerifyProgress[] = [];
    await verifySociIndex(store, root, { onProgress: (event) => events.push(event) });
    for (const { digest, size } of layers) {
      expect(events.filter(({ layer }) => layer === digest).at(-1)).toEqual({ layer: digest, bytes: size, size });
    }
  });

  it('finds a zTOC of another layer', async () => {
    const other = decodeZtoc(
      (await convertGolden('multi')).artifacts.find(({ kind }) => kind === 'ztoc')?.content ?? Buffer.of(),
    );
    const swapped = await verifyOtherZtoc('docker-uncompressed', () => other);
    expect(swapped.outcome).toBe('invalid');
    expect(codes(swapped.problems)).toContain('ztoc-of-another-layer');
    // Also if the sizes are equal.
    const sameSize = await verifyOtherZtoc('docker-uncompressed', (ztoc) => ({
      ...ztoc,
      spanDigests: ztoc.spanDigests.map(() => digestOf(Buffer.of())),
    }));
    expect(codes(sameSize.problems)).toEqual(['ztoc-of-another-layer', 'span-digest-mismatch']);
  });

  it('finds a span that does not match its digest, and the file in it', async () => {
    const { problems } = await verifyOtherZtoc('multi', (ztoc) => ({
      ...ztoc,
      spanDigests: ztoc.spanDigests.map((digest, i) => (i === 2 ? digestOf(Buffer.of()) : digest)),
    }));
    expect(problems).toMatchObject([{ code: 'span-digest-mismatch', span: 2, file: expect.any(String) }]);
  });

  it('finds a wrong window even if all digests match', async () => {
    const { outcome, problems } = await verifyOtherZtoc('multi', (ztoc) => {
      // A header of 12 bytes, then 17 bytes and a window for each checkpoint. Change the end of the second window.
      const checkpoints = ztoc.checkpoints.slice();
      const last = 12 + 2 * (17 + 32768) - 1;
      for (let i = last - 4096; i <= last; i += 1) checkpoints[i] = (checkpoints[i] as number) ^ 1;
      return { ...ztoc, checkpoints };
    });
    expect(outcome).toBe('invalid');
    expect(problems).toMatchObject([{ code: 'content-mismatch', span: 1, file: expect.any(String) }]);
  });

  it('finds a file with a wrong offset', async () => {
    const { problems } = await verifyOtherZtoc('multi', (ztoc) => ({
      ...ztoc,
      files: ztoc.files.map((file, i) =>
        i === 7 ? { ...file, uncompressedOffset: file.uncompressedOffset + 512 } : file,
      ),
    }));
    expect(problems).toMatchObject([{ code: 'file-list-mismatch', file: expect.any(String) }]);
  });

  it('finds a damaged layer', async () => {
    const { store, root, layers } = await convertGolden('single-oci');
    const [layer] = layers;
    if (layer === undefined) throw new Error('expected layers');
    const bytes = await read(store, layer);
    bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 8);
    const report = await verifySociIndex(replace(store, layer.digest, bytes), root);
    expect(report.outcome).toBe('invalid');
    expect(codes(report.layers.find((other) => other.layer === layer.digest)?.problems ?? [])).toContain(
      'span-digest-mismatch',
    );
    const cut = await verifySociIndex(replace(store, layer.digest, bytes.subarray(0, 100)), root);
    expect(codes(cut.layers.find((other) => other.layer === layer.digest)?.problems ?? [])).toContain('layer-damaged');
  });

  it('reads a damaged layer again, once', async () => {
    const { store, root, layers } = await convertGolden('single-oci');
    const [layer] = layers;
    if (layer === undefined) throw new Error('expected layers');
    /** Verifies the layer with a store whose first reads have a wrong byte, each at another offset. */
    const verify = async (...offsets: number[]) => {
      const bytes = await read(store, layer);
      const damaged = offsets.map((offset) => bytes.map((byte, i) => (i === offset ? byte ^ 1 : byte)));
      const report = await verifySociIndex(
        {
          async *fetch(target, options) {
            const content = target.digest === layer.digest ? damaged.shift() : undefined;
            if (content === undefined) yield* store.fetch(target, options);
            else yield content;
          },
        },
        root,
      );
      return report.layers.find((other) => other.layer === layer.digest);
    };
    const whole = await verify();
    expect(whole?.problems).toEqual([]);
    for (const offset of [0, 3, 100, layer.size >> 1, layer.size - 5]) expect(await verify(offset)).toEqual(whole);
    const problems = (await verify(100, layer.size >> 1))?.problems;
    expect(problems?.at(-1)).toMatchObject({
      code: 'layer-damaged',
      message: expect.stringContaining('(second read; the first read: '),
    });
  });

  it('finds a damaged zTOC', async () => {
    const { store, root, artifacts } = await convertGolden('single-oci');
    const ztoc = artifacts.find(({ kind }) => kind === 'ztoc');
    if (ztoc === undefined) throw new Error('expected a zTOC');
    const report = await verifySociIndex(
      replace(store, ztoc.descriptor.digest, Buffer.alloc(ztoc.content.length)),
      root,
    );
    expect(report.layers.flatMap(({ problems }) => problems)).toMatchObject([{ code: 'ztoc-invalid' }]);
  });

  it('finds wrong annotations', async () => {
    const { store, artifacts } = await convertGolden('multi');
    const index = JSON.parse(Buffer.from(artifacts.at(-1)?.content ?? []).toString());
    const verify = async (manifests: readonly Descriptor[]) => {
      const content = Buffer.from(JSON.stringify({ ...index, manifests }));
      const root = { mediaType: index.mediaType, digest: digestOf(content), size: content.length };
      await store.push(root, content);
      const report = await verifySociIndex(store, root);
      return codes([...report.problems, ...report.indexes.flatMap(({ problems }) => problems)]);
    };
    const [first, second, ...indexes] = index.manifests;
    const [firstIndex, secondIndex] = indexes;
    expect(await verify([first, second, firstIndex])).toEqual(['index-not-listed']);
    expect(await verify([first, firstIndex, secondIndex])).toEqual(['manifest-not-found']);
    const crossed = [
      { ...firstIndex, annotations: secondIndex.annotations },
      { ...secondIndex, annotations: firstIndex.annotations },
    ];
    expect(await verify([first, second, ...crossed])).toEqual(['manifest-not-annotated', 'layer-not-in-image']);
  });

  it('finds an index whose entry lost its artifact type when the image was copied', async () => {
    const { store, artifacts } = await convertGolden('multi');
    const index = JSON.parse(Buffer.from(artifacts.at(-1)?.content ?? []).toString());
    const manifests = index.manifests.map(({ artifactType: _, ...entry }: Descriptor) => entry);
    const content = Buffer.from(JSON.stringify({ ...index, manifests }));
    const root = { mediaType: index.mediaType, digest: digestOf(content), size: content.length };
    await store.push(root, content);
    const report = await verifySociIndex(store, root);
    expect(report.problems).toEqual([]);
    expect(report.indexes.map(({ problems }) => problems)).toEqual([[], []]);
  });

  it('rejects content that is not a SOCI index', async () => {
    const { store, image } = await openGolden('multi');
    await expect(verifySociIndex(store, image)).rejects.toMatchObject({ code: 'NOT_A_SOCI_INDEX' });
    const single = await openGolden('single-oci');
    await expect(verifySociIndex(single.store, single.image)).rejects.toMatchObject({ code: 'NOT_A_SOCI_INDEX' });
    const layer = await putLayer(new MemoryStore(), 'a', 10);
    await expect(verifySociIndex(store, { ...layer, artifactType: MEDIA_TYPE_SOCI_INDEX_V2 })).rejects.toMatchObject({
      code: 'NOT_A_SOCI_INDEX',
    });
  });

  it('rejects a layer or span that is larger than the limit', async () => {
    const { store, root } = await convertGolden('single-oci');
    await expect(verifySociIndex(store, root, { layerLimits: { maxUncompressedSize: 1000 } })).rejects.toMatchObject({
      name: 'SociIndexError',
      code: 'LIMIT_EXCEEDED',
    });
    await expect(verifySociIndex(store, root, { limits: { maxSpanLength: 1000 } })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });

  it('throws the abort reason of the signal', async () => {
    const { store, root } = await convertGolden('single-oci');
    const controller = new AbortController();
    const reason = new Error('enough');
    const verifying = verifySociIndex(store, root, {
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(verifying).rejects.toBe(reason);
  });
});
