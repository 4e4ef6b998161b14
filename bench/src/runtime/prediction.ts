import { readFileSync } from 'node:fs';
import { outputOf, sociIndex } from '../measure.ts';
import { imageOf } from './images.ts';
import type { Workload } from './plan.ts';

/** How well a prediction matches a recording, in bytes of files. */
export interface Prediction {
  readonly recorded: number;
  readonly predicted: number;
  /** Bytes that were recorded and predicted. */
  readonly both: number;
}

/** A profile as JSON. Predictions have the size of each file. */
interface ProfileDocument {
  readonly files: readonly { path: string; size?: number; ranges?: readonly ByteRange[] }[];
}

interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Predicts the profile of a workload, and compares it with the recorded one. */
export async function comparePrediction(workload: Workload, recordedFile: string): Promise<Prediction> {
  const text = outputOf(sociIndex('profile', 'predict', '--json', `oci:${await imageOf(workload)}:latest`));
  const recorded = JSON.parse(readFileSync(recordedFile, 'utf8')) as ProfileDocument;
  return compareProfiles(recorded, JSON.parse(text) as ProfileDocument);
}

/** Compares a prediction with a recording. A recorded file without ranges has the size of the predicted one. */
export function compareProfiles(recorded: ProfileDocument, prediction: ProfileDocument): Prediction {
  const predictedRanges = new Map(prediction.files.map(({ path, size = 0, ranges }) => [path, ranges ?? whole(size)]));
  const sizes = new Map(prediction.files.map(({ path, size = 0 }) => [path, size]));
  let both = 0;
  let total = 0;
  for (const { path, ranges = whole(sizes.get(path) ?? 0) } of recorded.files) {
    total += lengthOf(ranges);
    for (const range of ranges) {
      for (const other of predictedRanges.get(path) ?? []) both += overlap(range, other);
    }
  }
  const predicted = [...predictedRanges.values()].reduce((sum, ranges) => sum + lengthOf(ranges), 0);
  return { recorded: total, predicted, both };
}

function whole(size: number): ByteRange[] {
  return [{ offset: 0, length: size }];
}

function lengthOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

function overlap(a: ByteRange, b: ByteRange): number {
  return Math.max(0, Math.min(a.offset + a.length, b.offset + b.length) - Math.max(a.offset, b.offset));
}
