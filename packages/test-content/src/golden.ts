import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ContentDescriptor } from './content.ts';

/** Recorded output of soci (soci-snapshotter) and its input, see conformance/golden/README.md. */
const FOLDER = new URL('../../../conformance/golden/', import.meta.url);

/** Output of soci for one layer. */
export interface GoldenLayer {
  readonly sha256: string;
  readonly size: number;
  readonly algorithm: 'gzip' | 'uncompressed';
  /** zTOCs by span size in bytes. Empty if soci fails. */
  readonly ztocs: Readonly<Record<string, GoldenZtoc>>;
  /** Error of soci. */
  readonly refused?: string;
}

/** Properties of a zTOC according to soci. */
export interface GoldenZtoc {
  readonly digest: string;
  readonly size: number;
  readonly maxSpanId: number;
  readonly files: number;
  readonly compressedArchiveSize: number;
  readonly uncompressedArchiveSize: number;
}

/** Output of soci for one layout with one set of options. */
export interface GoldenRun {
  readonly run: {
    readonly v: 1 | 2;
    readonly span: number;
    readonly min: number;
    readonly xattr: boolean;
    readonly prefetch: readonly string[];
  };
  /** The roots: one SOCI index per platform (v1), or the converted image (v2). */
  readonly printed?: readonly ContentDescriptor[];
  /** Blobs added to the layout, by digest; with their text if they are JSON. */
  readonly added?: Readonly<Record<string, { readonly size: number; readonly json?: string }>>;
  /** Error of soci. */
  readonly refused?: string;
}

/** Returns all golden layers by file name. */
export function readGoldenLayers(): Readonly<Record<string, GoldenLayer>> {
  return JSON.parse(readFileSync(new URL('layers.json', FOLDER), 'utf8'));
}

/** Returns the runs of all golden layouts by folder name. */
export function readGoldenRuns(): Readonly<Record<string, readonly GoldenRun[]>> {
  return JSON.parse(readFileSync(new URL('layouts.json', FOLDER), 'utf8'));
}

/** Returns the path of a golden layer. */
export function goldenLayerPath(name: string): string {
  return fileURLToPath(new URL(`layers/${name}`, FOLDER));
}

/** Returns the bytes of a golden layer. */
export function readGoldenLayer(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(goldenLayerPath(name)));
}

/** Returns the names of all golden layouts: small images that cover the media types that soci accepts or rejects. */
export function goldenLayoutNames(): string[] {
  return Object.keys(readGoldenRuns()).sort();
}

/** Returns the path of a golden layout. */
export function goldenLayoutPath(name: string): string {
  return fileURLToPath(new URL(`layouts/${name}`, FOLDER));
}
