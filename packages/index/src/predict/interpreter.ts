import type { FoundFile } from './image-files.ts';
import type { LibraryFinder } from './libraries.ts';
import type { Origin, Prediction } from './prediction.ts';

/** An interpreter that runs with arguments. */
export interface Interpreting {
  readonly prediction: Prediction;
  readonly libraries: LibraryFinder;
  /** The interpreter. */
  readonly file: FoundFile;
  /** Path with which the interpreter was run. It may be a symbolic link. */
  readonly path: string;
  readonly args: readonly string[];
  /** Origin of files that the interpreter reads. */
  readonly origin: Origin;
}

/** Predicts another command: one that an interpreter runs. */
export type Run = (running: {
  readonly command: string;
  readonly args: readonly string[];
  readonly origin: Origin;
}) => Promise<void>;
