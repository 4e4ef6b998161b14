import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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
