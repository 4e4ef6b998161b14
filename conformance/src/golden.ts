import { goldenLayoutPath, readGoldenLayers, readGoldenRuns } from '@soci/test-content';
import type { IndexRequest } from './image/image-case.ts';
import type { ZtocSummary } from './outcome.ts';

/** A layer of golden/layers with the recorded results of the reference: see golden/README.md. */
export interface GoldenLayer {
  readonly name: string;
  readonly sha256: string;
  readonly algorithm: 'gzip' | 'uncompressed';
  /** By span size; empty if the layer is refused. */
  readonly ztocs: ReadonlyMap<number, ZtocSummary>;
  /** The reference's error. */
  readonly refused: string | undefined;
}

/** Every golden layer. */
export function goldenLayers(): GoldenLayer[] {
  return Object.entries(readGoldenLayers()).map(([name, { sha256, algorithm, ztocs, refused }]) => ({
    name,
    sha256,
    algorithm,
    ztocs: new Map(Object.entries(ztocs).map(([spanSize, summary]) => [Number(spanSize), summary])),
    refused,
  }));
}

/** A run of the reference over a golden layout. */
export interface GoldenLayout {
  readonly name: string;
  /** The layout. */
  readonly folder: string;
  readonly request: IndexRequest;
}

/** Every run of every golden layout. */
export function goldenLayouts(): GoldenLayout[] {
  return Object.entries(readGoldenRuns()).flatMap(([name, runs]) =>
    runs.map(({ run: { v, span, min, xattr, prefetch } }) => ({
      name,
      folder: goldenLayoutPath(name),
      request: { version: v, spanSize: span, minLayerSize: min, xattr, prefetch },
    })),
  );
}
