import type { IndexProgress } from '@soci/index';

/** What is being done with an image. */
export type Stage = 'looking at the image' | 'reading layers' | 'proving the index' | 'pushing the index';

/** How far the work on an image has come. */
export class BuildProgress {
  #stage: Stage = 'looking at the image';
  #layers = 0;
  #layersDone = 0;
  #totalBytes = 0;
  readonly #bytes = new Map<string, number>();

  /** Says that another stage has begun. */
  enter(stage: Stage): void {
    this.#stage = stage;
  }

  /** Takes note of what the build tells. */
  note(event: IndexProgress): void {
    switch (event.type) {
      case 'planned':
        this.#stage = 'reading layers';
        this.#layers = event.layers;
        this.#layersDone = 0;
        this.#totalBytes = event.bytes;
        this.#bytes.clear();
        break;
      case 'layer-progress':
        this.#bytes.set(event.layer, event.bytes);
        break;
      case 'layer-done':
        this.#layersDone += 1;
        this.#bytes.set(event.layer, event.size);
        break;
    }
  }

  /** Bytes of layers that were read. */
  get bytesRead(): number {
    return [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** For people, such as `reading layers, 2 of 6 done, 120.5 of 437.0 MB read`. */
  describe(): string {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    if (this.#layers === 0) return this.#stage;
    const read = `${megabytes(this.bytesRead)} of ${megabytes(this.#totalBytes)} MB read`;
    return `${this.#stage}, ${this.#layersDone} of ${this.#layers} layers done, ${read}`;
  }
}
