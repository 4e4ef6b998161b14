import { existsSync, mkdirSync, readFileSync, realpathSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Limits of a {@link FunctionCgroup}. */
export interface CgroupLimits {
  /** Memory, in bytes. The kernel kills a process that needs more. */
  readonly memory: number;
  /** Processor time for each second: 0.5 is half of one processor. @default - no limit */
  readonly processors?: number;
}

/** A control group with the limits of a function. */
export interface FunctionCgroup {
  /** Command prefix that runs a program in the group: `launcher` of a function. */
  readonly launcher: readonly string[];
  /** Peak memory, in bytes: that of the processes, and the page cache of the files that they read. */
  peakMemory(): number;
  /** User and system time of all processes since the group was created, in seconds. */
  processorSeconds(): number;
  /** Removes the group. It must have no processes. */
  remove(): void;
}

/** Hierarchies and files of a cgroup version. */
interface CgroupVersion {
  /** Folders of the hierarchies that limit memory and processors, and count processor time. Version 2 has one. */
  readonly roots: readonly [memory: string, processors: string, time: string];
  readonly limit: string;
  readonly peak: string;
  /** A 0 in this file prevents swapping. */
  readonly swap: string;
  /** Writes the limit of the processors. */
  limitProcessors(folder: string, microseconds: number): void;
  /** Reads the processor time, in seconds. */
  readTime(folder: string): number;
}

/** Time in which a group gets its processor time, in microseconds. */
const PERIOD = 20_000;

const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
const write = (folder: string, file: string, value: string | number) => writeFileSync(join(folder, file), `${value}`);

const VERSIONS: readonly CgroupVersion[] = [
  {
    roots: ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpuacct'],
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    swap: 'memory.swappiness',
    limitProcessors(folder, microseconds) {
      write(folder, 'cpu.cfs_period_us', PERIOD);
      write(folder, 'cpu.cfs_quota_us', microseconds);
    },
    readTime: (folder) => Number(read(folder, 'cpuacct.usage')) / 1e9,
  },
  {
    roots: ['/sys/fs/cgroup', '/sys/fs/cgroup', '/sys/fs/cgroup'],
    limit: 'memory.max',
    peak: 'memory.peak',
    swap: 'memory.swap.max',
    limitProcessors: (folder, microseconds) => write(folder, 'cpu.max', `${microseconds} ${PERIOD}`),
    readTime: (folder) => Number(/^usage_usec (\d+)$/m.exec(read(folder, 'cpu.stat'))?.[1]) / 1e6,
  },
];

/** Enters the groups whose files follow, up to `--`, and runs the program after it. */
const ENTER = 'while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"';

let made = 0;

/** Creates a control group. Returns undefined if it cannot: that needs root and a writable cgroup hierarchy. */
export function makeFunctionCgroup(limits: CgroupLimits): FunctionCgroup | undefined {
  for (const version of VERSIONS) {
    const cgroup = tryToMake(version, limits);
    if (cgroup !== undefined) return cgroup;
  }
  return undefined;
}

function tryToMake(version: CgroupVersion, { memory, processors }: CgroupLimits): FunctionCgroup | undefined {
  made += 1;
  const name = `soci-test-${process.pid}-${made}`;
  // Hierarchies can be links to one folder.
  const folders = new Set<string>();
  const remove = () => {
    for (const folder of folders) rmdirSync(folder);
  };
  try {
    const [limited, scheduled, counted] = version.roots.map((root) => {
      const folder = join(realpathSync(root), name);
      if (!folders.has(folder)) mkdirSync(folder);
      folders.add(folder);
      return folder;
    }) as [string, string, string];
    statSync(join(limited, version.peak));
    write(limited, version.limit, memory);
    if (existsSync(join(limited, version.swap))) write(limited, version.swap, 0);
    if (processors !== undefined) version.limitProcessors(scheduled, Math.round(processors * PERIOD));
    const entries = [...folders].map((folder) => join(folder, 'cgroup.procs'));
    return {
      launcher: ['sh', '-ec', ENTER, 'enter', ...entries, '--'],
      peakMemory: () => Number(read(limited, version.peak)),
      processorSeconds: () => version.readTime(counted),
      remove,
    };
  } catch {
    remove(); // The hierarchy does not exist or does not delegate a controller.
    return undefined;
  }
}
