import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failureFolder } from './failures.ts';
import { goldenLayouts } from './golden.ts';
import { type ImageCase, type IndexRequest, randomImageCase } from './image/image-case.ts';
import { compareImage, type ImageOutcome } from './image/image-comparison.ts';
import { writeLayout } from './image/layout-writer.ts';
import type { Difference } from './outcome.ts';
import { formatCaseName } from './seed.ts';

/** The result of comparing one image. */
export interface ImageComparison {
  readonly name: string;
  readonly outcome: ImageOutcome['kind'];
  readonly difference: Difference | undefined;
  /** The shrunk case of a difference: its name for `--replay` and its folder. */
  readonly kept?: { readonly name: string; readonly folder: string };
}

/** Compares every run of every golden layout live. The tests of @soci/index check the recorded results. */
export async function* compareGoldenLayouts(executable: string): AsyncGenerator<ImageComparison> {
  for (const { name, folder, request } of goldenLayouts()) {
    const { ours, difference } = await compareImage(folder, request, executable);
    yield { name: `golden layout ${name}, ${JSON.stringify(request)}`, outcome: ours.kind, difference };
  }
}

/** Compares random images. */
export async function* compareRandomImages(
  executable: string,
  seed: number,
  count: number,
): AsyncGenerator<ImageComparison> {
  for (let number = 0; number < count; number++) {
    const imageCase = randomImageCase(seed, number);
    const { outcome, difference } = await compareImageCase(imageCase, executable);
    const name = formatCaseName({ kind: 'image', seed, number });
    const found = { name: `image ${name}`, outcome, difference };
    if (difference === undefined) yield found;
    else yield { ...found, kept: { name, folder: await keepSmallest(name, imageCase, difference, executable) } };
  }
}

/** Writes the layout of a case and compares the results for it. */
export async function compareImageCase(
  imageCase: ImageCase,
  executable: string,
): Promise<{ outcome: ImageOutcome['kind']; difference: Difference | undefined }> {
  const layout = mkdtempSync(join(tmpdir(), 'conformance-'));
  try {
    writeLayout(layout, imageCase);
    const { ours, difference } = await compareImage(layout, imageCase.request, executable);
    return { outcome: ours.kind, difference };
  } finally {
    rmSync(layout, { recursive: true });
  }
}

/** Removes images, layers and entries while the difference stays, and writes the smallest case. Returns its folder. */
async function keepSmallest(
  name: string,
  start: ImageCase,
  { signature }: Difference,
  executable: string,
): Promise<string> {
  let best = start;
  for (let improved = true; improved; ) {
    improved = false;
    for (const candidate of simplerImages(best)) {
      if ((await compareImageCase(candidate, executable)).difference?.signature !== signature) continue;
      best = candidate;
      improved = true;
      break;
    }
  }
  const folder = failureFolder(name);
  writeLayout(join(folder, 'layout'), best);
  writeFileSync(join(folder, 'case.json'), `${JSON.stringify(best, null, 2)}\n`);
  return folder;
}

function* simplerImages(imageCase: ImageCase): Generator<ImageCase> {
  const { images, request } = imageCase;
  if (images.length > 1) for (const i of images.keys()) yield { ...imageCase, images: images.toSpliced(i, 1) };
  for (const [i, image] of images.entries()) {
    const withImage = (simpler: typeof image) => ({ ...imageCase, images: images.with(i, simpler) });
    if (image.isAttested) yield withImage({ ...image, isAttested: false });
    for (const extra of ['manifestExtra', 'configExtra', 'descriptorExtra'] as const)
      if (Object.keys(image[extra]).length > 0) yield withImage({ ...image, [extra]: {} });
    for (const [j, layer] of image.layers.entries()) {
      if (image.layers.length > 1) yield withImage({ ...image, layers: image.layers.toSpliced(j, 1) });
      const { entries } = layer.tar;
      const half = Math.ceil(entries.length / 2);
      for (const fewer of entries.length === 0
        ? []
        : [entries.slice(0, half - (entries.length === 1 ? 1 : 0)), entries.slice(half)]) {
        if (fewer.length < entries.length)
          yield withImage({
            ...image,
            layers: image.layers.with(j, { ...layer, tar: { ...layer.tar, entries: fewer } }),
          });
      }
    }
  }
  if (Object.keys(imageCase.indexExtra).length > 0) yield { ...imageCase, indexExtra: {} };
  const simplerRequests: IndexRequest[] = [
    { ...request, prefetch: [] },
    { ...request, xattr: false },
    { ...request, minLayerSize: 0 },
  ];
  for (const simpler of simplerRequests)
    if (JSON.stringify(simpler) !== JSON.stringify(request)) yield { ...imageCase, request: simpler };
}
