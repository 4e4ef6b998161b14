import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Comparison } from './comparison.ts';
import { explainDifference } from './explain.ts';
import type { ImageCase } from './image/image-case.ts';
import type { LayerCase } from './layer/layer-case.ts';
import { describe } from './outcome.ts';

const FOLDER = fileURLToPath(new URL('../.failures', import.meta.url));

/** An empty folder for what shows a difference. */
export function failureFolder(name: string): string {
  const folder = join(FOLDER, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Keeps a difference: the layer, the recipe that made it, both zTOCs, and how to see it again. Gives the folder. */
export function saveFailure(name: string, layerCase: LayerCase, comparison: Comparison): string {
  const folder = failureFolder(name);
  writeFileSync(join(folder, 'layer'), comparison.layer);
  writeFileSync(join(folder, 'case.json'), `${JSON.stringify(layerCase, null, 2)}\n`);
  for (const side of ['ours', 'reference'] as const) {
    const outcome = comparison[side];
    if (outcome.kind === 'built') writeFileSync(join(folder, `${side}.ztoc`), outcome.ztoc);
  }
  const { ours, reference } = comparison;
  const { signature = '', details = '' } = comparison.difference ?? {};
  const explanation =
    ours.kind === 'built' && reference.kind === 'built' ? explainDifference(ours.ztoc, reference.ztoc) : '';
  writeFileSync(
    join(folder, 'README.md'),
    [
      signature,
      `${details}\n${explanation}`.trim(),
      `A layer of ${comparison.layer.length} bytes, in spans of ${layerCase.spanSize}.\nours: ${describe(ours)}\nreference: ${describe(reference)}`,
      `Again: npm run conformance -- --replay ${name}\n`,
    ].join('\n\n'),
  );
  return folder;
}

/** The case of a difference that was kept. */
export function readFailure(name: string): LayerCase | ImageCase {
  return JSON.parse(readFileSync(join(FOLDER, name, 'case.json'), 'utf8')) as LayerCase | ImageCase;
}

/**
 * A difference that is known and not yet mended. The list (known-differences.json) may only shrink: a difference on it
 * does not fail a run, and one that no longer shows does.
 */
export interface KnownDifference {
  /** Equal to that of the difference: see outcome.ts. */
  readonly signature: string;
  /** Why it is there, and what would mend it. */
  readonly why: string;
  /** A case that shows it. */
  readonly case: LayerCase;
}

/** The list. */
export function knownDifferences(): KnownDifference[] {
  return JSON.parse(readFileSync(new URL('../known-differences.json', import.meta.url), 'utf8')) as KnownDifference[];
}
