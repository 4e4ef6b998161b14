import { isImageConfig, isManifestOrIndex } from '@soci/oci';
import type { ContentRequest } from './image-server.ts';
import type { RecordingImage } from './recording-image.ts';

/** Ranges up to this length, in bytes, ask whether a layer exists. soci-snapshotter finds redirects with them. */
const PROBE_LENGTH = 2;

/**
 * Pause, in milliseconds, after which the next span of a layer may come from the background fetch of soci-snapshotter. It
 * fetches each layer from the start, one span in 500 ms by default. A container reads several spans in parallel.
 */
const BACKGROUND_PAUSE = 40;
/** Number of such spans in a row that count as background fetch. */
const BACKGROUND_RUN = 8;

/** Counts of what was requested of an image. */
export interface RecordingTotals {
  /** Requests for manifests and configurations. */
  manifests: number;
  /** Requests of soci-snapshotter. */
  snapshotter: number;
  /** Spans that were read. */
  spans: number;
  /** Bytes of the spans that were read. */
  bytes: number;
  /** Requests for spans that were requested before. A snapshotter keeps what it has fetched, so they come from another one. */
  repeated: number;
  /** Spans of the background fetch. They are not part of the recording. */
  background: number;
}

/** Collects the requests for an image while a container starts from it. */
export class Recording {
  readonly #spanSize: number;
  readonly #now: () => number;
  readonly #layers: ReadonlyMap<string, LayerRecording>;
  readonly #requested = new Set<string>();
  readonly totals: RecordingTotals = { manifests: 0, snapshotter: 0, spans: 0, bytes: 0, repeated: 0, background: 0 };
  /** When the last span was read, on the clock of `now`. Undefined before the first one. */
  lastRead: number | undefined;
  /** When the last request arrived, or else when the recording began. */
  lastRequest: number;

  /** @param now - Clock, in milliseconds. */
  constructor({ platforms, spanSize }: RecordingImage, now: () => number = () => performance.now()) {
    this.#spanSize = spanSize;
    this.#now = now;
    this.lastRequest = now();
    const layers = platforms.flatMap((platform) => platform.layers);
    this.#layers = new Map(layers.map(({ digest, size }) => [digest, new LayerRecording(size, spanSize)]));
  }

  /** Layers by digest. */
  get layers(): ReadonlyMap<string, LayerRecording> {
    return this.#layers;
  }

  /** Reports whether content was requested. */
  wasRequested(digest: string): boolean {
    return this.#requested.has(digest);
  }

  /** Adds a request. */
  add({ content, range, client = '' }: ContentRequest): void {
    const { digest, mediaType, size } = content;
    this.#requested.add(digest);
    this.lastRequest = this.#now();
    if (client.startsWith('soci-snapshotter/')) this.totals.snapshotter++;
    const layer = this.#layers.get(digest);
    if (layer === undefined) {
      if (isManifestOrIndex(mediaType) || isImageConfig(mediaType)) this.totals.manifests++;
      return;
    }
    if (range !== undefined && range.length <= PROBE_LENGTH && size > PROBE_LENGTH) return;
    const { offset = -1, length = 0 } = range ?? {};
    if (offset % this.#spanSize !== 0 || length !== Math.min(this.#spanSize, size - offset)) {
      layer.otherRequests++;
      return;
    }
    const now = this.#now();
    const before = layer.background;
    const isNew = layer.add(offset / this.#spanSize, now);
    const background = layer.background - before;
    this.totals.background += background;
    this.totals.spans += (isNew ? 1 : 0) - background;
    this.totals.bytes += (isNew ? length : 0) - background * this.#spanSize;
    this.totals.repeated += isNew ? 0 : 1;
    if (background === 0) this.lastRead = now;
  }
}

/** The spans of a layer that were requested. */
export class LayerRecording {
  readonly #states: Uint8Array;
  /** Requests for something else than a span: the whole layer, or a large part of it. */
  otherRequests = 0;
  /** Spans of the background fetch. */
  background = 0;
  /** The first span that was not requested. */
  #next = 0;
  /** Spans that may come from the background fetch. */
  #run: number[] = [];
  #last = Number.NEGATIVE_INFINITY;

  constructor(size: number, spanSize: number) {
    this.#states = new Uint8Array(Math.ceil(size / spanSize));
  }

  /** Reports whether a span was read. */
  wasRead(span: number): boolean {
    return this.#states[span] === READ;
  }

  /** Returns whether any span was read. */
  get hasReads(): boolean {
    return this.#states.includes(READ);
  }

  /** Adds a request. Returns whether it is the first one for the span. */
  add(span: number, now: number): boolean {
    const pause = now - this.#last;
    this.#last = now;
    if (this.#states[span] !== NOT_REQUESTED) return false;
    const isNext = span === this.#next;
    this.#states[span] = READ;
    while (this.#states[this.#next] !== NOT_REQUESTED && this.#next < this.#states.length) this.#next++;
    if (!isNext || pause < BACKGROUND_PAUSE) {
      this.#run = [];
      return true;
    }
    this.#run.push(span);
    if (this.#run.length < BACKGROUND_RUN) return true;
    for (const each of this.#run.length === BACKGROUND_RUN ? this.#run : [span]) {
      this.#states[each] = BACKGROUND;
      this.background++;
    }
    return true;
  }
}

const NOT_REQUESTED = 0;
const READ = 1;
const BACKGROUND = 2;
