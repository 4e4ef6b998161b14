import type { ByteRange } from '@soci/oci';
import type { ProfileFile } from '../profile/start-profile.ts';
import type { FoundFile, ImageFiles } from './image-files.ts';
import type { PredictionBudget } from './limits.ts';

/**
 * Why a start reads a file.
 *
 * - `runtime`: the container runtime reads it, to look up users and groups.
 * - `program`: the start runs it.
 * - `script`: a program interprets it.
 * - `library`: the program or library `from` is linked with it.
 * - `import`: the program or module `from` imports it.
 * - `configuration`: the program or library `from` reads it when it starts.
 */
export type PredictionReason = 'configuration' | 'import' | 'library' | 'program' | 'runtime' | 'script';

/** A file that a start reads. Its path has no symbolic links. */
export interface PredictedFile extends ProfileFile {
  /** Size of the file in bytes. */
  readonly size: number;
  readonly reason: PredictionReason;
  /** Path of the file that leads to this one. */
  readonly from?: string;
}

/** Where a file comes from in a prediction. */
export interface Origin {
  readonly reason: PredictionReason;
  /** Path of the file that leads to this one. */
  readonly from?: string;
  /** Number of files on the way from the start command. */
  readonly depth: number;
}

/** The environment of a start. */
export interface StartEnvironment {
  readonly variables: ReadonlyMap<string, string>;
  /** Working directory: absolute. */
  readonly directory: string;
}

/**
 * Collects the files that a start reads. Files are visited in waves, each in the order of the layers, because
 * files that are close in a layer are in the same span.
 */
export class Prediction {
  readonly files: ImageFiles;
  readonly environment: StartEnvironment;
  readonly #budget: PredictionBudget;
  readonly #predicted = new Map<string, PredictedFile>();
  readonly #visited = new Set<string>();
  #wave: { readonly file: FoundFile; readonly visit: () => Promise<void> }[] = [];

  constructor(files: ImageFiles, environment: StartEnvironment, budget: PredictionBudget) {
    this.files = files;
    this.environment = environment;
    this.#budget = budget;
  }

  /** The files found so far. */
  get predicted(): readonly PredictedFile[] {
    return [...this.#predicted.values()];
  }

  /** Predicts a file. If it is predicted already, the ranges of both are read. @param ranges - Sorted. Default: all bytes. */
  add({ path, size }: FoundFile, { reason, from }: Origin, ranges?: readonly ByteRange[]): void {
    const known = this.#predicted.get(path);
    if (known !== undefined) {
      if (ranges === undefined && known.ranges !== undefined) {
        const { ranges: _, ...whole } = known;
        this.#predicted.set(path, whole);
      }
      return;
    }
    if (size === 0 || !this.#budget.takeFile()) return;
    const file = { path, size, reason, ...(from !== undefined && { from }), ...(ranges && { ranges }) };
    this.#predicted.set(path, file);
  }

  /** Predicts the whole file at a path, if it exists. */
  async addPath(path: string, origin: Origin): Promise<FoundFile | undefined> {
    const file = await this.files.find(path);
    if (file !== undefined) this.add(file, origin);
    return file;
  }

  /**
   * Visits a file in the next wave, once for each `kind`.
   *
   * @param kind - What the file is visited as.
   */
  visit(kind: string, file: FoundFile, { depth }: Origin, visit: () => Promise<void>): void {
    const key = `${kind}\0${file.path}`;
    if (this.#visited.has(key) || !this.#budget.takeDepth(depth)) return;
    this.#visited.add(key);
    this.#wave.push({ file, visit });
  }

  /** Visits files until none is left, or until a limit is reached. */
  async run(): Promise<void> {
    while (this.#wave.length > 0) {
      const wave = this.#wave;
      this.#wave = [];
      const layers = new Map<string, number>();
      for (const { file } of wave) {
        const { digest } = file.file.layer;
        if (!layers.has(digest)) layers.set(digest, layers.size);
      }
      const layerOf = ({ file }: FoundFile) => layers.get(file.layer.digest) ?? 0;
      const offsetOf = ({ file }: FoundFile) => file.entry.uncompressedOffset;
      wave.sort((a, b) => layerOf(a.file) - layerOf(b.file) || offsetOf(a.file) - offsetOf(b.file));
      for (const { visit } of wave) {
        if (!this.#budget.hasTime()) return;
        await visit();
      }
    }
  }
}
