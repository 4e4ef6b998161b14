import { readFile } from 'node:fs/promises';
import { drawBar, formatBytes, formatSeconds, type Output } from '@soci/cli/internal';

/** Results of `npm run bench -- runtime`, which this program shows if it cannot start containers. */
const RESULTS = new URL('../../../../docs/benchmarks-runtime.json', import.meta.url);

const NETWORK = '100-10';
const VARIANTS = { pull: 'ordinary pull', default: 'lazy start', recorded: 'with a profile' } as const;
const BAR_WIDTH = 24;

/** Start of a container: one program, one way to load its image. */
export interface RecordedStart {
  /** The program, as on a command line. */
  readonly workload: string;
  readonly variant: keyof typeof VARIANTS;
  readonly seconds: number;
  readonly bytes: number;
}

/** Recorded starts, with the day of the measurement. */
export interface RecordedStarts {
  readonly date: string;
  readonly machine: string;
  readonly starts: readonly RecordedStart[];
}

/** The fields of the results that this program uses. */
interface Results {
  readonly date: string;
  readonly machine: string;
  readonly workloads: readonly { readonly name: string; readonly title: string }[];
  readonly cells: readonly {
    readonly workload: string;
    readonly variant: string;
    readonly network: string;
    readonly seconds: { readonly median: number };
    readonly bytes: { readonly median: number };
  }[];
}

/** Reads the recorded starts. */
export async function readRecordedStarts(): Promise<RecordedStarts> {
  const { date, machine, workloads, cells } = JSON.parse(await readFile(RESULTS, 'utf8')) as Results;
  const starts = cells
    .filter(({ network, variant }) => network === NETWORK && variant in VARIANTS)
    .map(({ workload, variant, seconds, bytes }) => ({
      workload: workloads.find(({ name }) => name === workload)?.title ?? workload,
      variant: variant as keyof typeof VARIANTS,
      seconds: seconds.median,
      bytes: bytes.median,
    }));
  return { date, machine, starts };
}

/** Prints recorded starts as bars. */
export async function printRecordedStarts({ date, machine, starts }: RecordedStarts, output: Output): Promise<void> {
  const processor = machine.split(';')[0];
  await output.writeLine(`Recorded on ${date} at 100 Mbit/s and 10 ms (${processor}):`);
  await output.writeLine('time to the first output of a container, and what was fetched.');
  const longest = Math.max(...starts.map(({ seconds }) => seconds));
  for (const workload of new Set(starts.map((start) => start.workload))) {
    await output.writeLine();
    await output.writeLine(output.style.bold(workload));
    for (const { variant, seconds, bytes } of starts.filter((start) => start.workload === workload)) {
      const bar = output.style.cyan(drawBar(seconds, longest, BAR_WIDTH));
      const time = formatSeconds(seconds).padStart(7);
      await output.writeLine(`  ${VARIANTS[variant].padEnd(15)}${bar} ${time}  ${formatBytes(bytes).padStart(8)}`);
    }
  }
}
