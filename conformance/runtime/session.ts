import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import {
  type CountingProxy,
  createGuardedFolder,
  type GuardedFolder,
  type ProxiedRequest,
  type Runtime,
  type SnapshotterSettings,
  startProxy,
  startRegistry,
  startRuntime,
} from '@soci/test-runtime';
import { afterAll, beforeAll, inject } from 'vitest';
import { runWell } from '../registries/run-program.ts';
import { Reference } from '../src/reference.ts';
import type { TestPrograms } from './global-setup.ts';
import { pushLayout } from './images/write-image.ts';
import { type ListOptions, listTree, type TreeEntry } from './tree.ts';

/** Path of the built command line. */
export const SOCI_INDEX: string = join(import.meta.dirname, '..', '..', 'packages', 'cli', 'bin', 'soci-index.js');

/** A layer in the output of `convert --json` and `create --json`. */
export interface IndexedLayer {
  readonly layer: string;
  readonly layerSize: number;
  readonly status: string;
  /** Digest of the zTOC. Absent without one. */
  readonly digest?: string;
  readonly warnings?: ReadonlyArray<{
    readonly code: string;
    readonly effect: string;
    readonly paths: readonly string[];
  }>;
}

/** What to pull. */
export interface PullRequest {
  readonly repository: string;
  readonly tag: string;
  readonly platform?: string;
}

/** A lazy pull. */
export interface LazyPullRequest extends PullRequest, ListOptions {
  readonly settings?: SnapshotterSettings;
  /** Runs when the image is mounted. The requests that are made later are {@link LazyPull.whileReading}. */
  readonly beforeReading?: () => Promise<void>;
}

/** What a lazy pull did. */
export interface LazyPull {
  /** Number of mounts by FUSE. */
  readonly fuseMounts: number;
  /** Requests until the image was mounted. */
  readonly atStart: readonly ProxiedRequest[];
  /** Requests while all files were read. */
  readonly whileReading: readonly ProxiedRequest[];
  readonly tree: readonly TreeEntry[];
  /** Failed mounts and reads, according to the snapshotter's metrics. */
  readonly failures: number;
  /** Log of the snapshotter. */
  readonly log: string;
}

/** The running programs of a test file. */
export interface Session {
  /** Folder for files of the tests. */
  readonly folder: string;
  readonly reference: Reference;
  /** Host and port of the registry. */
  readonly registry: string;
  readonly runtime: Runtime;
  readonly proxy: CountingProxy;
  /** Converts or indexes an image of the registry with our command line. Returns its layers. */
  index(
    command: 'convert' | 'create',
    repository: string,
    options: readonly string[],
  ): Promise<readonly IndexedLayer[]>;
  /** Converts the image of a layout with the reference and pushes the result. */
  indexWithReference(layout: string, repository: string, tag: string, options: readonly string[]): Promise<void>;
  /** Pulls an image with containerd's overlayfs and reads all files. */
  pullOrdinarily(request: PullRequest): Promise<readonly TreeEntry[]>;
  /** Pulls an image with the snapshotter and reads all files. */
  pullLazily(request: LazyPullRequest): Promise<LazyPull>;
}

/** Starts the programs before the tests of a file, and stops them afterwards. Returns a function that returns the session. */
export function useSession(): () => Session {
  let session: Session | undefined;
  let folder: GuardedFolder | undefined;
  beforeAll(async () => {
    const programs = inject('programs');
    if (programs === undefined) return;
    folder = createGuardedFolder();
    session = await startSession(programs, folder);
  });
  afterAll(async () => {
    session?.reference.close();
    await session?.proxy.stop();
    await folder?.remove();
  });
  return () => {
    if (session === undefined) throw new Error('the programs are missing');
    return session;
  };
}

async function startSession(programs: TestPrograms, folder: GuardedFolder): Promise<Session> {
  const registry = await startRegistry({ programs: programs.runtime, folder });
  const proxy = await startProxy({ upstream: registry });
  const runtime = await startRuntime({ programs: programs.runtime, folder });
  const nameOf = ({ repository, tag }: PullRequest) => `${proxy.host}/${repository}:${tag}`;
  return {
    folder: folder.path,
    reference: new Reference(programs.reference),
    registry,
    runtime,
    proxy,
    async index(command, repository, options) {
      const source = `${registry}/${repository}:latest`;
      const destination = command === 'convert' ? [`${registry}/${repository}:soci`, '--force'] : [];
      const args = [SOCI_INDEX, command, '--json', '--no-reuse', ...options, source, ...destination];
      const output = await runWell(process.execPath, args);
      return (JSON.parse(output.toString()) as { layers: IndexedLayer[] }).layers;
    },
    async indexWithReference(layout, repository, tag, options) {
      const result = join(folder.path, `${repository}-${tag}`);
      const output = await runWell(programs.reference, ['index', ...options, layout, result]);
      const [root] = JSON.parse(output.toString()) as [Descriptor];
      await pushLayout(result, registry, repository, tag, root);
    },
    async pullOrdinarily(request) {
      const { platform } = request;
      const image = { image: nameOf(request), snapshotter: 'overlayfs', ...(platform && { platform }) } as const;
      await runtime.wipe();
      await runtime.pull(image);
      return listTree(programs.listTree, await runtime.mount(image));
    },
    async pullLazily({ settings, timeout, platform, beforeReading, ...request }) {
      const image = { image: nameOf(request), snapshotter: 'soci', ...(platform && { platform }) } as const;
      await runtime.wipe({ logLevel: 'debug', ...settings });
      proxy.clear();
      await runtime.pull(image);
      const root = await runtime.mount(image);
      // The root of an image with one layer is another mount of the layer.
      const layerMounts = runtime.listMounts().filter(({ path }) => /\/snapshots\/\d+\/fs$/.test(path));
      const fuseMounts = layerMounts.filter(({ type }) => type === 'fuse.rawBridge').length;
      await beforeReading?.();
      const atStart = [...proxy.requests];
      proxy.clear();
      const tree = await listTree(programs.listTree, root, timeout === undefined ? {} : { timeout });
      const metrics = await runtime.readMetrics();
      const failures = [...metrics].filter(([name]) => /fuse_.*failure_count/.test(name));
      return {
        fuseMounts,
        atStart,
        whileReading: [...proxy.requests],
        tree,
        failures: failures.reduce((sum, [, count]) => sum + count, 0),
        log: runtime.readSnapshotterLog(),
      };
    },
  };
}
