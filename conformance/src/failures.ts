import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Comparison } from './comparison.ts';
import { explainDifference } from './explain.ts';
import type { ImageCase } from './image/image-case.ts';
import type { LayerCase } from './layer/layer-case.ts';
import { describe } from './outcome.ts';

const FOLDER = fileURLToPath(new URL('../.failures', import.meta.url));

/** Makes an empty folder for a case that shows a difference. */
export function failureFolder(name: string): string {
  const folder = join(FOLDER, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Writes the layer of a difference, the case that made it, both zTOCs and the command that repeats it. Returns the folder. */
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
      `To repeat it: npm run conformance -- --replay ${name}\n`,
    ].join('\n\n'),
  );
  return folder;
}

/** Returns the case of a kept difference, or undefined if none has this name. */
export function readFailure(name: string): LayerCase | ImageCase | undefined {
  const file = join(FOLDER, name, 'case.json');
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as LayerCase | ImageCase;
}

/**
 * A known difference that is not fixed yet. A difference on the list (known-differences.json) does not fail a run. One that no
 * longer occurs does, so the list can only shrink.
 */
export interface KnownDifference {
  /** Signature of the difference: see outcome.ts. */
  readonly signature: string;
  /** The cause, and how to fix it. */
  readonly why: string;
  /** A case that shows the difference. */
  readonly case: LayerCase;
}

/** Reads the list of known differences. */
export function knownDifferences(): KnownDifference[] {
  return JSON.parse(readFileSync(new URL('../known-differences.json', import.meta.url), 'utf8')) as KnownDifference[];
}
