import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandContext, formatBytes, pluralize } from '@soci/cli/internal';
import { makeImage } from './make-image.ts';
import { type LayerPlan, planLayers, treeSize } from './plan-layers.ts';

/** The image for the demonstration. */
export interface DemoImage {
  /** Directory of the OCI image layout. */
  readonly folder: string;
  /** Titles of the layers, base layer first. */
  readonly titles: readonly string[];
  readonly files: number;
  /** Size of the files, in bytes. */
  readonly size: number;
  /** Time to create the image, or undefined if it comes from an earlier run. */
  readonly seconds: number | undefined;
}

/**
 * Creates an image from files of this machine in `dir`. Reuses the image of an earlier run if no file has changed.
 */
export async function prepareDemoImage(dir: string, { output, signal }: CommandContext): Promise<DemoImage> {
  const folder = join(dir, 'image');
  const keyFile = join(dir, 'image.key');
  const plans = await planLayers(process.cwd());
  const size = plans.reduce((sum, { entries }) => sum + treeSize(entries), 0);
  const facts = {
    folder,
    titles: plans.map(({ title }) => title),
    files: plans.reduce((sum, { entries }) => sum + entries.filter(({ kind }) => kind === 'file').length, 0),
    size,
  };
  const key = keyOf(plans);
  if ((await readFile(keyFile, 'utf8').catch(() => '')) === key) return { ...facts, seconds: undefined };

  const started = performance.now();
  await mkdir(dir, { recursive: true });
  await rm(keyFile, { force: true });
  await rm(folder, { recursive: true, force: true });
  const progress = output.openProgress();
  progress.milestone(
    `packing ${pluralize(facts.files, 'file')} (${formatBytes(size)}) into an image of ${pluralize(plans.length, 'layer')}`,
  );
  let packed = 0;
  try {
    await makeImage(folder, plans, {
      signal,
      onBytes: (bytes) => {
        // Headers and padding count too, so the sum can exceed the total.
        packed = Math.min(size, packed + bytes);
        progress.update({
          done: packed,
          total: size,
          detail: `packing files into an image, ${formatBytes(packed)} of ${formatBytes(size)}`,
        });
      },
    });
  } finally {
    progress.close();
  }
  await writeFile(keyFile, key);
  return { ...facts, seconds: (performance.now() - started) / 1000 };
}

/** Returns a key that changes when a file of the image changes. */
function keyOf(plans: readonly LayerPlan[]): string {
  const hash = createHash('sha256');
  for (const { title, entries } of plans) {
    hash.update(`${title}\n`);
    for (const { name, kind, size, mode, modified, target } of entries) {
      hash.update(JSON.stringify([name, kind, size, mode, modified, target]));
    }
  }
  return hash.digest('hex');
}
