import { createHash } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from './processes.ts';

/** Sources: a folder with a go.mod for each build. */
const SOURCES = fileURLToPath(new URL('../programs/', import.meta.url));

/** Where built programs are kept. */
const CACHE = fileURLToPath(new URL('../../../.cache/runtime/', import.meta.url));

/** What is built. `flags` leave out what the tests do not use, because it multiplies the build time. */
const BUILDS = [
  {
    name: 'containerd',
    programs: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
    flags: [
      ...['-tags', 'no_btrfs no_cri no_devmapper no_tracing no_zfs'],
      ...['-ldflags', '-s -w -X github.com/containerd/containerd/v2/version.Version=v2.2.9'],
    ],
  },
  {
    name: 'snapshotter',
    programs: ['soci-snapshotter-grpc'],
    flags: ['-ldflags', '-s -w -X github.com/awslabs/soci-snapshotter/version.Version=v0.16.1'],
  },
] as const;

/** Programs from Debian packages of the same name, in which they are on PATH. */
const DEBIAN_PROGRAMS = ['docker-registry', 'runc'] as const;

/** Bit of CAP_SYS_ADMIN in the capabilities of a process. */
const CAP_SYS_ADMIN = 21n;

/** Type of an overlay in statfs(2), OVERLAYFS_SUPER_MAGIC. */
const OVERLAY = 0x794c7630;

/** Paths of the programs. */
export interface RuntimePrograms {
  /** Folder with containerd, its shim and ctr. */
  readonly containerdFolder: string;
  readonly snapshotter: string;
  /** Empty if it is not needed. */
  readonly registry: string;
}

/** Whether this machine can run the runtime, and why not. */
export type RuntimeAvailability =
  | { readonly outcome: 'available'; readonly programs: RuntimePrograms }
  | {
      readonly outcome: 'unavailable';
      /** What is missing, and how to get it. */
      readonly reason: string;
    };

/** Options of {@link findRuntime}. */
export interface FindRuntimeOptions {
  /** Whether docker-registry is needed too. @default true */
  readonly registry?: boolean;
}

/**
 * Finds containerd v2.2.9, soci-snapshotter v0.16.1, runc and docker-registry. Builds the first two with Go if they are not in
 * `.cache/runtime`. A build takes minutes on a machine that has never built Go programs.
 *
 * @param onBuild - Receives what is built, before each build.
 */
export async function findRuntime(
  onBuild: (what: string) => void = () => {},
  { registry = true }: FindRuntimeOptions = {},
): Promise<RuntimeAvailability> {
  const reason = findMachineProblem();
  if (reason !== undefined) return { outcome: 'unavailable', reason };
  for (const name of DEBIAN_PROGRAMS) {
    if (name === 'docker-registry' && !registry) continue;
    if (findOnPath(name) === undefined)
      return unavailable(`${name} is not on PATH. Debian: apt-get install ${name}, as root`);
  }
  const folders: string[] = [];
  for (const build of BUILDS) {
    const folder = cacheFolder(build);
    if (!existsSync(folder)) {
      if (findOnPath('go') === undefined)
        return unavailable('Go is not on PATH. Install Go 1.26 or newer (https://go.dev/dl)');
      onBuild(build.programs.join(', '));
      const failure = await buildPrograms(build, folder);
      if (failure !== undefined) return unavailable(`cannot build ${build.name}: ${failure}`);
    }
    folders.push(folder);
  }
  const [containerdFolder = '', snapshotterFolder = ''] = folders;
  const programs = {
    containerdFolder,
    snapshotter: join(snapshotterFolder, 'soci-snapshotter-grpc'),
    registry: findOnPath('docker-registry') ?? '',
  };
  return { outcome: 'available', programs };
}

function unavailable(reason: string): RuntimeAvailability {
  return { outcome: 'unavailable', reason };
}

/** Returns why this machine cannot mount images, or undefined. */
function findMachineProblem(): string | undefined {
  if (process.platform !== 'linux') return `this system is ${process.platform}. Lazy loading needs Linux`;
  if (process.getuid?.() !== 0) return 'this user is not root, who may mount file systems. Run it as root';
  const capabilities = /^CapEff:\s*([\da-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  if (((BigInt(`0x${capabilities}`) >> CAP_SYS_ADMIN) & 1n) === 0n) {
    return 'this process may not mount file systems (CAP_SYS_ADMIN). In a container: run it with --privileged';
  }
  try {
    closeSync(openSync('/dev/fuse', 'r+'));
  } catch (error) {
    return `cannot open /dev/fuse: ${(error as Error).message}. Load the module: modprobe fuse. In a container: run it with --privileged`;
  }
  if (!/\boverlay\b/.test(readFileSync('/proc/filesystems', 'utf8'))) {
    return 'the kernel has no overlay file system. Load the module: modprobe overlay';
  }
  if (statfsSync(tmpdir()).type === OVERLAY) {
    return `${tmpdir()} is on an overlay, which cannot hold another one. Set TMPDIR to a folder of another file system`;
  }
  return undefined;
}

/** One of {@link BUILDS}. */
type Build = (typeof BUILDS)[number];

/** Returns the folder of the result, which has a digest of all that determines it in its name. */
function cacheFolder({ name, flags }: Build): string {
  const digest = createHash('sha256').update(JSON.stringify(flags));
  for (const file of ['go.mod', 'go.sum']) digest.update(readFileSync(join(SOURCES, name, file)));
  return join(CACHE, `${name}-${digest.digest('hex').slice(0, 12)}`);
}

/** Returns a description of the failure, or undefined. */
async function buildPrograms({ name, flags }: Build, folder: string): Promise<string | undefined> {
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  // `tool` means the programs that go.mod lists.
  const args = [
    'build',
    '-C',
    join(SOURCES, name),
    '-trimpath',
    '-buildvcs=false',
    ...flags,
    '-o',
    `${unfinished}/`,
    'tool',
  ];
  const { code, stderr } = await runProgram('go', args, {
    env: { ...process.env, CGO_ENABLED: name === 'snapshotter' ? '1' : '0', GOFLAGS: '' },
    timeout: 1_800_000,
  });
  if (code === 0) {
    renameSync(unfinished, folder);
    return undefined;
  }
  rmSync(unfinished, { recursive: true, force: true });
  return `go ${args.join(' ')} exited with ${code}: ${stderr.slice(-2_000)}`;
}

function findOnPath(name: string): string | undefined {
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
