import { compareWarnings, type LayerWarning } from '@soci/index';
import type { Output } from '../terminal/output.ts';
import { pluralize, shortDigest } from '../terminal/quantity.ts';

/** A layer with its warnings. */
export interface WarnedLayer {
  readonly layer: string;
  readonly warnings: readonly LayerWarning[];
}

/** Maximum number of printed warnings. `--json` has all. */
const MAX_WARNINGS = 20;

/**
 * Prints the warnings of layers to standard error, one line each, the worst first. Layers whose zTOC no span size makes small enough share
 * a line, because there can be many.
 *
 * @param wording - Returns the text after the digest. @default the message
 */
export function printWarnings(
  layers: readonly WarnedLayer[],
  output: Output,
  wording = ({ message }: LayerWarning): string => message,
): void {
  const isSmall = ({ code, spanSize }: LayerWarning) => code === 'ztoc-large' && spanSize === undefined;
  const lines = layers
    .flatMap(({ layer, warnings }) => warnings.map((warning) => ({ layer, warning })))
    .filter(({ warning }) => !isSmall(warning))
    .sort((a, b) => compareWarnings(a.warning, b.warning))
    .map(({ layer, warning }) => `layer ${shortDigest(layer)}: ${wording(warning)}`);
  const small = layers.filter(({ warnings }) => warnings.some(isSmall));
  if (small.length > 0) {
    const what =
      small.length === 1
        ? `the zTOC of layer ${shortDigest(small[0]?.layer ?? '')}`
        : `the zTOCs of ${pluralize(small.length, 'layer')}`;
    lines.push(
      `${what} ${small.length === 1 ? 'is' : 'are'} larger than half of the layer, and no span size helps. Raise --min-layer-size to skip such layers`,
    );
  }
  for (const line of lines.slice(0, MAX_WARNINGS)) output.warn(line);
  if (lines.length > MAX_WARNINGS) output.warn(`${lines.length - MAX_WARNINGS} more. Use --json to list all`);
}

/** Returns the member `warnings` for `--json`. Absent without warnings. docs/cli.md documents the fields. */
export function warningsAsJson(warnings: readonly LayerWarning[] = []): {
  readonly warnings?: readonly LayerWarning[];
} {
  return warnings.length === 0 ? {} : { warnings };
}
