// How long a container takes to start. One model, with constants from the benchmark of real starts: docs/benchmarks.md,
// "Container start". docs/decisions/048 says which measurements they were fitted to, and which ones check them.

/** The network between a registry and its client. */
export interface Network {
  /** Bits per second of all connections together. */
  readonly bandwidth: number;
  /** Seconds from a request to the start of its response. */
  readonly latency: number;
}

/** A part of a start, for the timeline. */
export interface Phase {
  readonly name: 'connect' | 'download' | 'mount' | 'read' | 'inflate' | 'unpack' | 'other' | 'run';
  readonly seconds: number;
}

/** Estimated time from nothing to the first output. */
export interface StartTime {
  readonly seconds: number;
  /** In the order of the start. */
  readonly phases: readonly Phase[];
}

/** A layer of an ordinary pull. */
export interface PulledLayer {
  /** Bytes of the layer. */
  readonly size: number;
  readonly uncompressedSize: number;
}

/** What a start with a SOCI index does. */
export interface LazyStart {
  /** Layers without a zTOC: the runtime pulls and unpacks them before the start. */
  readonly pulled: readonly PulledLayer[];
  /** Bytes of the zTOCs. */
  readonly ztocsSize: number;
  /** Number of layers with a zTOC. */
  readonly layers: number;
  /** Number of files in the zTOCs. */
  readonly files: number;
  /** Requests for spans, and for artifacts that list spans to prefetch. */
  readonly requests: number;
  /** Bytes of the spans. */
  readonly bytesRead: number;
  /** Bytes that the spans inflate to. */
  readonly bytesInflated: number;
}

/** The runtime downloads a zTOC twice: containerd's transfer service and the snapshotter. */
export const ZTOC_DOWNLOADS = 2;

/** Protocols add 3 % to the bytes of a lazy start. In an ordinary pull, this time passes while layers are unpacked. */
const TRANSFER_OVERHEAD = 1.03;

/** Requests one after the other before layers are read: names, manifests, configuration, index. */
const CONNECT_ROUND_TRIPS = 4;

/** Latencies for each request of a span: some requests of the runtime need two, and few run at the same time. */
const READ_ROUND_TRIPS = 1.4;

/** Time to create and start a container, in seconds. */
const RUN_SECONDS = 0.09;

/** Time of the snapshotter to mount a layer, and to store the metadata of a file, in seconds. */
const MOUNT_SECONDS_PER_LAYER = 0.05;
const MOUNT_SECONDS_PER_FILE = 14.7e-6;

/** Time to inflate, verify and copy a byte of a span, in seconds. */
const INFLATE_SECONDS_PER_BYTE = 8.3e-9;

/** Time of containerd to unpack a byte, in seconds: 100 MB/s. */
const UNPACK_SECONDS_PER_BYTE = 10e-9;

/**
 * Time of an ordinary pull and start that depends neither on the network nor on the size of larger images, in seconds. Images
 * smaller than the smallest measured one are assumed to take less, in proportion.
 */
const PULL_SECONDS = 2.9;
const SMALLEST_MEASURED = 151e6;

/** Layers that containerd downloads at the same time (`max_concurrent_downloads`). */
const CONCURRENT_DOWNLOADS = 3;

/** Requests one after the other in an ordinary pull. */
const PULL_ROUND_TRIPS = 6;

/** Estimates an ordinary pull: containerd downloads layers in parallel and unpacks them one after the other. */
export function estimatePull(layers: readonly PulledLayer[], network: Network): StartTime {
  const connect = PULL_ROUND_TRIPS * network.latency;
  const ends = downloadTimes(layers, network);
  const download = Math.max(0, ...ends);
  const size = layers.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  let unpacked = 0;
  for (const [i, { uncompressedSize }] of layers.entries()) {
    unpacked = Math.max(unpacked, ends[i] as number) + uncompressedSize * UNPACK_SECONDS_PER_BYTE;
  }
  return sumOf([
    { name: 'connect', seconds: connect },
    { name: 'download', seconds: download },
    { name: 'unpack', seconds: unpacked - download },
    { name: 'other', seconds: (PULL_SECONDS - RUN_SECONDS) * Math.min(1, size / SMALLEST_MEASURED) },
    { name: 'run', seconds: RUN_SECONDS },
  ]);
}

/** Estimates a start with a SOCI index. */
export function estimateLazyStart(start: LazyStart, network: Network): StartTime {
  const { pulled, ztocsSize, layers, files, requests, bytesRead, bytesInflated } = start;
  const transfer = (bytes: number) => (bytes * TRANSFER_OVERHEAD * 8) / network.bandwidth;
  const pulledSize = pulled.reduce((sum, { size }) => sum + size, 0);
  const unpacked = pulled.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  return sumOf([
    { name: 'connect', seconds: CONNECT_ROUND_TRIPS * network.latency },
    { name: 'download', seconds: transfer(ZTOC_DOWNLOADS * ztocsSize + pulledSize) },
    { name: 'unpack', seconds: unpacked * UNPACK_SECONDS_PER_BYTE },
    { name: 'mount', seconds: layers * MOUNT_SECONDS_PER_LAYER + files * MOUNT_SECONDS_PER_FILE },
    { name: 'read', seconds: transfer(bytesRead) + requests * READ_ROUND_TRIPS * network.latency },
    { name: 'inflate', seconds: bytesInflated * INFLATE_SECONDS_PER_BYTE },
    { name: 'run', seconds: RUN_SECONDS },
  ]);
}

function sumOf(phases: readonly Phase[]): StartTime {
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0);
  return { seconds, phases: phases.filter((phase) => phase.seconds > 0) };
}

/** Returns when each layer is downloaded, in seconds. Concurrent downloads share the bandwidth equally. */
function downloadTimes(layers: readonly PulledLayer[], { bandwidth }: Network): readonly number[] {
  const left = layers.map(({ size }) => (size * 8) / bandwidth);
  const ends = layers.map(() => 0);
  const active = layers.map((_, i) => i).slice(0, CONCURRENT_DOWNLOADS);
  let next = active.length;
  let time = 0;
  while (active.length > 0) {
    const first = active.reduce((a, b) => ((left[b] as number) < (left[a] as number) ? b : a));
    const share = left[first] as number;
    for (const i of active) left[i] = (left[i] as number) - share;
    time += share * active.length;
    ends[first] = time;
    active.splice(active.indexOf(first), 1);
    if (next < layers.length) active.push(next++);
  }
  return ends;
}
