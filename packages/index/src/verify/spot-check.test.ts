import { decodeZtoc, encodeZtoc } from '@soci/ztoc';
import { expect, it } from 'vitest';
import { convertImage } from '../convert/convert-image.ts';
import type { Artifact } from '../convert/soci-manifest.ts';
import { openGolden } from '../fixtures/golden.ts';
import { spotCheckZtocs } from './spot-check.ts';

async function convertGolden(name: string) {
  const { store, image } = await openGolden(name);
  const made = await convertImage(store, image, { minLayerSize: 0, spanSize: 65_536, jobs: 1 });
  if (made.outcome !== 'indexed') throw new Error(made.reason);
  return { store, made };
}

/** Changes the content of each zTOC, and keeps its digest. */
function withZtocs(artifacts: readonly Artifact[], change: (content: Uint8Array) => Uint8Array): Artifact[] {
  return artifacts.map((artifact) =>
    artifact.kind === 'ztoc' ? { ...artifact, content: change(artifact.content) } : artifact,
  );
}

it.each(['single-oci', 'multi', 'docker-uncompressed', 'mixed-compression', 'attested'])(
  'finds no problems in the index of %s',
  async (name) => {
    const { store, made } = await convertGolden(name);
    const report = await spotCheckZtocs(store, made, { spans: 1000 });
    expect(report).toMatchObject({ problems: [] });
    const spans = made.layers.reduce((sum, layer) => sum + (layer.outcome === 'indexed' ? layer.spans : 0), 0);
    expect(report.spansRead).toBe(spans);
  },
);

it('reads only a sample, the same for the same seed', async () => {
  const { store, made } = await convertGolden('single-oci');
  const indexed = made.layers.filter(({ outcome }) => outcome === 'indexed');
  const report = await spotCheckZtocs(store, made, { spans: 1, seed: 7 });
  expect(report.spansRead).toBe(indexed.length);
  expect(await spotCheckZtocs(store, made, { spans: 1, seed: 7 })).toEqual(report);
  expect(await spotCheckZtocs(store, made, { spans: 0 })).toMatchObject({ problems: [], spansRead: 0, bytesRead: 0 });
});

it('finds a zTOC whose span digests do not match the layer', async () => {
  const { store, made } = await convertGolden('single-oci');
  const artifacts = withZtocs(made.artifacts, (content) => {
    const ztoc = decodeZtoc(content);
    return encodeZtoc({ ...ztoc, spanDigests: ztoc.spanDigests.map(() => `sha256:${'0'.repeat(64)}`) });
  });
  const { problems } = await spotCheckZtocs(store, { ...made, artifacts });
  expect(problems).not.toEqual([]);
  expect(problems[0]).toMatchObject({ code: 'span-digest-mismatch', span: expect.any(Number) });
});

it('reads a damaged span again, once', async () => {
  const { store, made } = await convertGolden('single-oci');
  /** Checks the spans with a store whose first reads are damaged. */
  const check = (damages: number) =>
    spotCheckZtocs(
      {
        async fetchRange(...args) {
          const bytes = Uint8Array.from(await store.fetchRange(...args));
          if (damages-- > 0) bytes[0] = (bytes[0] as number) ^ 1;
          return bytes;
        },
      },
      made,
    );
  expect((await check(1)).problems).toEqual([]);
  expect((await check(2)).problems).toMatchObject([
    { code: 'span-digest-mismatch', message: expect.stringMatching(/\(in both reads\)$/) },
  ]);
});

it('finds a checkpoint with a wrong window', async () => {
  const { store, made } = await convertGolden('single-oci');
  const artifacts = withZtocs(made.artifacts, (content) => {
    const ztoc = decodeZtoc(content);
    const checkpoints = ztoc.checkpoints.slice();
    // Change the last byte of the last window.
    checkpoints[checkpoints.length - 1] = (checkpoints.at(-1) as number) ^ 1;
    return encodeZtoc({ ...ztoc, checkpoints });
  });
  const { problems } = await spotCheckZtocs(store, { ...made, artifacts }, { spans: 1000 });
  expect(problems[0]).toMatchObject({ code: 'content-mismatch' });
});

it('rejects a negative number of spans', async () => {
  const { store, made } = await convertGolden('single-oci');
  await expect(spotCheckZtocs(store, made, { spans: -1 })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
});
