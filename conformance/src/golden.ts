import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { IndexRequest } from './image/image-case.ts';
import type { ZtocSummary } from './outcome.ts';

/** A layer of golden/layers with the recorded results of the reference: see golden/README.md. */
export interface GoldenLayer {
  readonly name: string;
  readonly sha256: string;
  readonly algorithm: 'gzip' | 'uncompressed';
  /** By span size; empty where the layer is refused. */
  readonly ztocs: ReadonlyMap<number, ZtocSummary>;
  /** The reference's error. */
  readonly refused: string | undefined;
}

interface RecordedLayer {
  readonly sha256: string;
  readonly algorithm: 'gzip' | 'uncompressed';
  readonly ztocs: Readonly<Record<string, ZtocSummary>>;
  readonly refused?: string;
}

const FOLDER = fileURLToPath(new URL('../golden', import.meta.url));

/** Every golden layer. */
export function goldenLayers(): GoldenLayer[] {
  const recorded = JSON.parse(readFileSync(`${FOLDER}/layers.json`, 'utf8')) as Readonly<Record<string, RecordedLayer>>;
  return Object.entries(recorded).map(([name, { sha256, algorithm, ztocs, refused }]) => ({
    name,
    sha256,
    algorithm,
    ztocs: new Map(Object.entries(ztocs).map(([spanSize, summary]) => [Number(spanSize), summary])),
    refused,
  }));
}

/** The bytes of a golden layer. */
export function readGoldenLayer(name: string): Uint8Array {
  return readFileSync(`${FOLDER}/layers/${name}`);
}

/** A run of the reference over a golden layout. */
export interface GoldenLayout {
  readonly name: string;
  /** The layout. */
  readonly folder: string;
  readonly request: IndexRequest;
}

interface RecordedRun {
  readonly run: {
    readonly v: 1 | 2;
    readonly span: number;
    readonly min: number;
    readonly xattr: boolean;
    readonly prefetch: readonly string[];
  };
}

/** Every run of every golden layout. */
export function goldenLayouts(): GoldenLayout[] {
  const recorded = JSON.parse(readFileSync(`${FOLDER}/layouts.json`, 'utf8')) as Readonly<
    Record<string, readonly RecordedRun[]>
  >;
  return Object.entries(recorded).flatMap(([name, runs]) =>
    runs.map(({ run: { v, span, min, xattr, prefetch } }) => ({
      name,
      folder: `${FOLDER}/layouts/${name}`,
      request: { version: v, spanSize: span, minLayerSize: min, xattr, prefetch },
    })),
  );
}
