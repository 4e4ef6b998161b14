import { readGoldenLayer } from '@soci/test-content';
import { compareLayer } from './comparison.ts';
import { goldenLayers } from './golden.ts';
import type { Difference } from './outcome.ts';
import type { Reference } from './reference.ts';

/** Span size that refused layers are tried with. */
const REFUSED_SPAN_SIZE = 65_536;

/** A golden layer at one span size, with what differs: from the reference as it runs here, or from the recorded results. */
export interface GoldenComparison {
  readonly name: string;
  readonly spanSize: number;
  readonly difference: Difference | undefined;
}

/** Compares every golden layer live, and both sides with the recorded results. */
export async function* compareGoldenLayers(reference: Reference): AsyncGenerator<GoldenComparison> {
  for (const { name, algorithm, ztocs } of goldenLayers()) {
    const layer = readGoldenLayer(name);
    for (const spanSize of ztocs.size > 0 ? ztocs.keys() : [REFUSED_SPAN_SIZE]) {
      const request = { spanSize, algorithm, tool: 'AWS SOCI CLI v0.2' };
      const { difference, reference: live } = await compareLayer(layer, [layer], request, reference, 2);
      const recorded = ztocs.get(spanSize)?.digest;
      const found = live.kind === 'built' ? live.summary.digest : undefined;
      yield {
        name,
        spanSize,
        difference: difference ?? (recorded === found ? undefined : staleRecord(recorded, found)),
      };
    }
  }
}

function staleRecord(recorded: string | undefined, found: string | undefined): Difference {
  return {
    signature: 'the reference no longer gives the recorded result',
    details: `recorded: ${recorded ?? 'a refusal'}\nlive: ${found ?? 'a refusal'}`,
  };
}
