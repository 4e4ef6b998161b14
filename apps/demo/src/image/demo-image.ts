import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandContext, formatBytes, pluralize } from '@soci/cli/internal';
import { type LayerPlan, planLayers, treeSize } from './machine-layers.ts';
import { makeImage } from './make-image.ts';

/** The image that the demonstration works on. */
export interface DemoImage {
  /** Its layout folder. */
  readonly folder: string;
  /** What its layers hold, the base first. */
  readonly titles: readonly string[];
  readonly files: number;
  /** Bytes of its files. */
  readonly size: number;
  /** Wall time of making it; undefined where an earlier run has made it. */
  readonly seconds: number | undefined;
}

/**
 * Makes an image of what is on this machine, in `dir`; one that an earlier run has made of the very same files is used
 * again.
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
        // Headers and padding count too: they are what is over at the end.
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

/** Changes when any file of the image does. */
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
