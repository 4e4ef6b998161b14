import { formatBytes, formatSeconds, type Progress } from '@soci/cli/internal';
import {
  type CountingProxy,
  createGuardedFolder,
  type GuardedFolder,
  type Runtime,
  type RuntimePrograms,
  type Snapshotter,
  startProxy,
  startRuntime,
} from '@soci/test-runtime';

/** One way to start the container. */
export interface Lane {
  readonly title: string;
  readonly snapshotter: Snapshotter;
  /** Repository and tag. */
  readonly image: string;
}

/** Result of a lane. */
export interface LaneResult {
  readonly title: string;
  /** Time from the start of the pull to the first output of the container. */
  readonly seconds: number;
  /** Bytes of all response bodies. */
  readonly bytes: number;
  readonly requests: number;
  /** What the container printed. */
  readonly output: string;
  /** Number of layers that are loaded lazily. */
  readonly lazyLayers: number;
}

/** What {@link raceLanes} needs. */
export interface RaceOptions {
  readonly programs: RuntimePrograms;
  /** Host and port of the registry. */
  readonly registry: string;
  /** Size of the image, in bytes: the end of the bars. */
  readonly size: number;
  /** Command to run in the containers. */
  readonly command: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Bandwidth of each lane, in bytes per second: 100 Mbit/s. */
const BANDWIDTH = 12_500_000;
/** Time from a request to the start of its response, in milliseconds. */
const LATENCY = 10;
/** The network of each lane, for people. */
export const NETWORK = `${(BANDWIDTH * 8) / 1e6} Mbit/s and ${LATENCY} ms`;

const REDRAW_MS = 100;

/** A lane with its own machine: containerd and snapshotter with empty stores, and a network to the registry. */
interface Machine {
  readonly lane: Lane;
  readonly folder: GuardedFolder;
  readonly proxy: CountingProxy;
  readonly runtime: Runtime;
  result?: LaneResult;
}

/**
 * Starts the same container in all lanes at the same time, and shows how far they are. Removes everything at the end, also if the
 * signal is aborted.
 *
 * @throws `TestRuntimeError` if a program fails; the reason of the signal.
 */
export async function raceLanes(lanes: readonly Lane[], options: RaceOptions): Promise<LaneResult[]> {
  const { programs, registry, signal, progress } = options;
  const machines: Machine[] = [];
  try {
    for (const lane of lanes) {
      signal.throwIfAborted();
      progress.milestone(`starting containerd for the ${lane.title}`);
      const proxy = await startProxy({ upstream: registry, bytesPerSecond: BANDWIDTH, latency: LATENCY });
      const folder = createGuardedFolder();
      machines.push({ lane, folder, proxy, runtime: await startRuntime({ programs, folder }) });
    }
    const started = performance.now();
    const timer = setInterval(() => show(machines, started, options), REDRAW_MS);
    try {
      return await abortable(Promise.all(machines.map((machine) => run(machine, started, options))), signal);
    } finally {
      clearInterval(timer);
      progress.close();
    }
  } finally {
    for (const { proxy, folder } of machines) {
      await proxy.stop();
      await folder.remove();
    }
  }
}

async function run(machine: Machine, started: number, { command, progress }: RaceOptions): Promise<LaneResult> {
  const { lane, proxy, runtime } = machine;
  const request = { image: `${proxy.host}/${lane.image}`, snapshotter: lane.snapshotter };
  await runtime.pull(request);
  let seconds = 0;
  const { code, stdout, stderr } = await runtime.run(request, command, () => {
    seconds ||= (performance.now() - started) / 1000;
  });
  if (code !== 0) throw new Error(`${command.join(' ')} exited with ${code} in a container: ${stderr}`);
  const { bytes, requests } = proxy.traffic;
  const lazyLayers = runtime.listMounts().filter(({ type }) => type.startsWith('fuse.')).length;
  machine.result = { title: lane.title, seconds, bytes, requests, output: stdout.trim(), lazyLayers };
  progress.milestone(`${lane.title}: ${formatSeconds(seconds)}, ${formatBytes(bytes)}`);
  return machine.result;
}

function show(machines: readonly Machine[], started: number, { size, progress }: RaceOptions): void {
  const elapsed = (performance.now() - started) / 1000;
  const items = machines.map(({ lane, proxy, result }) => {
    const bytes = result?.bytes ?? proxy.traffic.bytes;
    const state = result ? `first output after ${formatSeconds(result.seconds)}` : formatSeconds(elapsed);
    return { done: bytes, total: size, label: `${lane.title}  ${formatBytes(bytes)}, ${state}` };
  });
  const [first, ...others] = items;
  if (first) progress.update({ done: first.done, total: first.total, detail: first.label, items: others });
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // The programs are killed later, which rejects the work.
  work.catch(() => {});
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
