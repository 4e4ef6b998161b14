import { goldenLayoutPath, readGoldenLayer, readGoldenLayers, readGoldenRuns } from '@soci/test-content';
import { compareLayer } from './comparison.ts';
import type { IndexRequest } from './image/image-case.ts';
import type { Difference, ZtocSummary } from './outcome.ts';
import type { Reference } from './reference.ts';

/** A layer of golden/layers with the recorded results of the reference. See golden/README.md. */
interface GoldenLayer {
  readonly name: string;
  readonly sha256: string;
  readonly algorithm: 'gzip' | 'uncompressed';
  /** Recorded results by span size. Empty if the reference rejects the layer. */
  readonly ztocs: ReadonlyMap<number, ZtocSummary>;
  /** Error message of the reference, if it rejects the layer. */
  readonly refused: string | undefined;
}

/** Returns every golden layer. */
export function goldenLayers(): GoldenLayer[] {
  return Object.entries(readGoldenLayers()).map(([name, { sha256, algorithm, ztocs, refused }]) => ({
    name,
    sha256,
    algorithm,
    ztocs: new Map(Object.entries(ztocs).map(([spanSize, summary]) => [Number(spanSize), summary])),
    refused,
  }));
}

/** A recorded run of the reference on a golden layout. */
interface GoldenLayout {
  readonly name: string;
  /** Path of the layout. */
  readonly folder: string;
  readonly request: IndexRequest;
}

/** Returns every run of every golden layout. */
export function goldenLayouts(): GoldenLayout[] {
  return Object.entries(readGoldenRuns()).flatMap(([name, runs]) =>
    runs.map(({ run: { v, span, min, xattr, prefetch } }) => ({
      name,
      folder: goldenLayoutPath(name),
      request: { version: v, spanSize: span, minLayerSize: min, xattr, prefetch },
    })),
  );
}

/** Span size for layers that are rejected. */
const REFUSED_SPAN_SIZE = 65_536;

/** The result for a golden layer and a span size: a difference from the live reference or from the recorded results. */
interface GoldenComparison {
  readonly name: string;
  readonly spanSize: number;
  readonly difference: Difference | undefined;
}

/** Compares every golden layer live, and both results with the recorded ones. */
export async function* compareGoldenLayers(reference: Reference): AsyncGenerator<GoldenComparison> {
  for (const { name, algorithm, ztocs } of goldenLayers()) {
    const layer = readGoldenLayer(name);
    for (const spanSize of ztocs.size > 0 ? ztocs.keys() : [REFUSED_SPAN_SIZE]) {
      const request = { spanSize, algorithm, tool: 'AWS SOCI CLI v0.2' };
      const { difference, reference: live } = await compareLayer(layer, () => [layer], request, reference, 2);
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
    signature: 'the reference no longer produces the recorded result',
    details: `recorded: ${recorded ?? 'a refusal'}\nlive: ${found ?? 'a refusal'}`,
  };
}
