/** `npm run bench -- runtime [OPTIONS]`: measures how long containers take to start. See bench/README.md. */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  type CountingProxy,
  createGuardedFolder,
  findRuntime,
  type Runtime,
  type RuntimePrograms,
  startProxy,
  startRegistry,
  startRuntime,
} from '@soci/test-runtime';
import { layoutSize } from '../generate-image.ts';
import { imageOf } from './images.ts';
import { IndexedImages, nameOf } from './indexes.ts';
import {
  type Cell,
  estimateSeconds,
  keyOf,
  NETWORKS,
  type Network,
  networkName,
  OTHER_PROFILE,
  planCells,
  VARIANTS,
  WORKLOADS,
} from './plan.ts';
import { recordProfile } from './record-profile.ts';
import { printReport, writeReports } from './report.ts';
import { Results, type Start } from './results.ts';

const USAGE = `usage: npm run bench -- runtime [OPTIONS]

Measures the time from nothing to the first output of a container, and the bytes that it fetches.

  --workload NAME  measure only ${WORKLOADS.map(({ name }) => name).join(', ')}; repeatable
  --variant NAME   measure only ${[...VARIANTS, OTHER_PROFILE].map(({ name }) => name).join(', ')}; repeatable
  --network NAME   measure only ${NETWORKS.map(networkName).join(', ')} (Mbit/s and ms); repeatable
  --runs N         measure each N times (default 5 at ${networkName(NETWORKS[0] as Network)}, 3 otherwise)
  --new            forget the results and profiles of earlier invocations
  --write          write docs/benchmarks.md, the chart and its data, even if results are missing
  --report         only report the results of earlier invocations
`;

/** Measures what is missing in the results of earlier invocations, and reports all results. Returns the exit code. */
export async function benchRuntime(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv);
  if (options === undefined) return 2;
  // So that programs that are stopped at the exit are stopped.
  process.once('SIGTERM', () => process.exit(1));
  const { workload: workloads, variant: variants, network: networks, runs } = options;
  const selected = planCells({ workloads, variants, networks, runs: runs === undefined ? undefined : Number(runs) });
  const results = new Results(options.new);
  if (!options.report) {
    const runtime = await findRuntime((what) => process.stderr.write(`building ${what}; this can take 10 minutes\n`));
    if (runtime.outcome === 'unavailable') {
      console.log(`skipped: ${runtime.reason}`);
      return 0;
    }
    await measureMissing(selected, results, runtime.programs, options.new);
  }
  const isComplete = (cell: Cell) => results.of(cell).length >= cell.runs;
  const all = planCells({ workloads: [], variants: [], networks: [] });
  await printReport(all, results);
  if (options.write || all.every(isComplete)) await writeReports(all, results);
  return options.report || selected.every(isComplete) ? 0 : 1;
}

function parseOptions(argv: readonly string[]) {
  try {
    const multiple = { type: 'string', multiple: true, default: [] as string[] } as const;
    const { values } = parseArgs({
      args: [...argv],
      options: {
        workload: multiple,
        variant: multiple,
        network: multiple,
        runs: { type: 'string' },
        new: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        report: { type: 'boolean', default: false },
      },
    });
    const known = [...WORKLOADS, ...VARIANTS, OTHER_PROFILE].map(({ name }) => name);
    const names = [...values.workload, ...values.variant, ...values.network];
    const unknown = names.find((name) => !known.includes(name) && !NETWORKS.some((one) => networkName(one) === name));
    if (unknown === undefined && (values.runs === undefined || Number(values.runs) >= 1)) return values;
    console.error(unknown === undefined ? `--runs ${values.runs} is not a positive number` : `unknown name ${unknown}`);
  } catch (error) {
    console.error((error as Error).message);
  }
  console.error(USAGE);
  return undefined;
}

/** A measurement that is missing. */
interface Turn {
  readonly cell: Cell;
  readonly run: number;
}

/** Returns the missing measurements. The variants of a workload alternate, so that other load on the machine affects all of them. */
function missingTurns(cells: readonly Cell[], results: Results): Turn[] {
  const groupOf = ({ workload, network }: Cell) => `${networkName(network)} ${workload.name}`;
  const turns: Turn[] = [];
  for (const group of new Set(cells.map(groupOf))) {
    const members = cells.filter((cell) => groupOf(cell) === group);
    for (let run = 0; run < Math.max(...members.map(({ runs }) => runs)); run++) {
      for (const cell of members) if (run < cell.runs && run >= results.of(cell).length) turns.push({ cell, run });
    }
  }
  return turns;
}

async function measureMissing(
  cells: readonly Cell[],
  results: Results,
  programs: RuntimePrograms,
  isNew: boolean,
): Promise<void> {
  await announce(missingTurns(cells, results));
  const folder = createGuardedFolder();
  try {
    const host = await startRegistry({ programs, folder });
    const runtime = await startRuntime({ programs, folder });
    const images = new IndexedImages(host, results, (workload) => recordProfile(workload, runtime, isNew));
    for (const cell of cells) {
      const forgotten = results.forgetOthers(cell, await images.push(cell.workload, cell.variant));
      if (forgotten > 0) process.stderr.write(`${keyOf(cell)}: forgot ${forgotten} results of another image\n`);
    }
    const turns = missingTurns(cells, results);
    await announce(turns);
    for (const network of new Set(turns.map(({ cell }) => cell.network))) {
      const bytesPerSecond = network.megabits * 125_000;
      const proxy = await startProxy({ upstream: host, bytesPerSecond, latency: network.latency });
      for (const { cell, run } of turns.filter((turn) => turn.cell.network === network)) {
        const image = await images.push(cell.workload, cell.variant);
        const outcome = await measureStart(cell, runtime, proxy).catch((error: unknown) => String(error));
        const isMeasured = typeof outcome !== 'string';
        if (isMeasured) results.add(cell, { ...outcome, image, at: new Date().toISOString() });
        const text = isMeasured ? `${outcome.seconds.toFixed(2)} s, ${(outcome.bytes / 1e6).toFixed(1)} MB` : outcome;
        process.stderr.write(`${keyOf(cell)}, run ${run + 1} of ${cell.runs}: ${text}\n`);
      }
      await proxy.stop();
    }
  } finally {
    await folder.remove();
  }
}

/** Prints the number of measurements and their estimated duration. */
async function announce(turns: readonly Turn[]): Promise<void> {
  let seconds = 0;
  for (const { cell } of turns) seconds += estimateSeconds(cell, layoutSize(await imageOf(cell.workload)));
  process.stderr.write(`${turns.length} measurements, about ${Math.ceil(seconds / 60)} minutes\n`);
}

/** Maximum time to wait for responses that the snapshotter still reads, in milliseconds. */
const SETTLE_MS = 5000;

/** Pulls an image onto an empty machine and runs the workload. @throws {Error} If it fails, or is not loaded as it should. */
async function measureStart(
  { workload, variant }: Cell,
  runtime: Runtime,
  proxy: CountingProxy,
): Promise<Pick<Start, 'seconds' | 'bytes' | 'requests'>> {
  const isLazy = variant.convert !== undefined;
  const request = {
    image: `${proxy.host}/${nameOf(workload, variant)}`,
    snapshotter: isLazy ? ('soci' as const) : ('overlayfs' as const),
  };
  await runtime.wipe();
  execFileSync('sync');
  proxy.clear();
  const started = performance.now();
  await runtime.pull(request);
  let seconds = 0;
  const { code, stdout, stderr } = await runtime.run(request, workload.command, () => {
    seconds ||= (performance.now() - started) / 1000;
  });
  if (code !== 0 || stdout === '') throw new Error(`${workload.command.join(' ')} exited with ${code}: ${stderr}`);
  const lazyLayers = runtime.listMounts().filter(({ type }) => type.startsWith('fuse.')).length;
  if (isLazy !== lazyLayers > 0) throw new Error(`${lazyLayers} layers are loaded lazily`);
  for (let waited = 0; proxy.traffic.active > 0 && waited < SETTLE_MS; waited += 100) await sleep(100);
  const { bytes, requests } = proxy.traffic;
  return { seconds, bytes, requests };
}
