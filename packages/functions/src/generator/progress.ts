import type { PublishProgress } from '@soci/index';

/** How far the work on an image has come. */
export class JobProgress {
  #stage = 'looking at the image';
  #layers = 0;
  #layersDone = 0;
  #totalBytes = 0;
  readonly #bytes = new Map<string, number>();

  /** Takes note of what `indexImage` reports. */
  note(event: PublishProgress): void {
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
      case 'proving':
        this.#stage = 'proving the index';
        break;
      case 'pushing':
        this.#stage = 'pushing the index';
        break;
    }
  }

  /** For people, such as `reading layers, 2 of 6 done, 120.5 of 437.0 MB read`. */
  describe(): string {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    if (this.#layers === 0) return this.#stage;
    const bytesRead = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    const read = `${megabytes(bytesRead)} of ${megabytes(this.#totalBytes)} MB read`;
    return `${this.#stage}, ${this.#layersDone} of ${this.#layers} layers done, ${read}`;
  }
}
