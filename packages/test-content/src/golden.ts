import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ContentDescriptor } from './content.ts';

/** The recorded results of the reference, and their inputs: see conformance/golden/README.md. */
const FOLDER = new URL('../../../conformance/golden/', import.meta.url);

/** What the reference makes of one layer. */
export interface GoldenLayer {
  readonly sha256: string;
  readonly size: number;
  readonly algorithm: 'gzip' | 'uncompressed';
  /** By span size in bytes; empty if the reference refuses the layer. */
  readonly ztocs: Readonly<Record<string, GoldenZtoc>>;
  /** The error of the reference. */
  readonly refused?: string;
}

/** A zTOC, as the reference describes it. */
export interface GoldenZtoc {
  readonly digest: string;
  readonly size: number;
  readonly maxSpanId: number;
  readonly files: number;
  readonly compressedArchiveSize: number;
  readonly uncompressedArchiveSize: number;
}

/** What the reference makes of one layout with one set of options. */
export interface GoldenRun {
  readonly run: {
    readonly v: 1 | 2;
    readonly span: number;
    readonly min: number;
    readonly xattr: boolean;
    readonly prefetch: readonly string[];
  };
  /** The roots: one SOCI index a platform (v1), the converted image (v2). */
  readonly printed?: readonly ContentDescriptor[];
  /** Every blob that it adds to the layout, by digest; with its text if that is JSON. */
  readonly added?: Readonly<Record<string, { readonly size: number; readonly json?: string }>>;
  /** The error of the reference. */
  readonly refused?: string;
}

/** Every golden layer, by file name. */
export function readGoldenLayers(): Readonly<Record<string, GoldenLayer>> {
  return JSON.parse(readFileSync(new URL('layers.json', FOLDER), 'utf8'));
}

/** Every golden layout, by folder name, with its runs. */
export function readGoldenRuns(): Readonly<Record<string, readonly GoldenRun[]>> {
  return JSON.parse(readFileSync(new URL('layouts.json', FOLDER), 'utf8'));
}

/** The path of a golden layer. */
export function goldenLayerPath(name: string): string {
  return fileURLToPath(new URL(`layers/${name}`, FOLDER));
}

/** The bytes of a golden layer. */
export function readGoldenLayer(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(goldenLayerPath(name)));
}

/** The names of all golden layouts: small images with real layers, in every combination of media types that the reference takes or refuses. */
export function goldenLayoutNames(): string[] {
  return Object.keys(readGoldenRuns()).sort();
}

/** The path of a golden layout. */
export function goldenLayoutPath(name: string): string {
  return fileURLToPath(new URL(`layouts/${name}`, FOLDER));
}
