import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cleanUp, RUNC_FOLDER } from './clean-up.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { listMounts, type Mount } from './mounts.ts';
import { findFreePort, type ProgramResult, runProgram, runSuccessfully, startDaemon } from './processes.ts';
import type { RuntimePrograms } from './programs.ts';
import { containerdConfig, type RuntimeAddresses, type SnapshotterSettings, snapshotterConfig } from './settings.ts';

/** How an image is unpacked: lazily through its index, or whole. */
export type Snapshotter = 'soci' | 'overlayfs';

/** Options of {@link startRuntime}. */
export interface RuntimeOptions {
  readonly programs: RuntimePrograms;
  /** Folder for everything that the runtime writes. */
  readonly folder: GuardedFolder;
  /** Settings of the snapshotter. @default those of {@link SnapshotterSettings} */
  readonly settings?: SnapshotterSettings;
}

/** An image of a registry that speaks plain HTTP. */
export interface ImageRequest {
  /** Reference, such as `127.0.0.1:5000/app:latest`. */
  readonly image: string;
  readonly snapshotter: Snapshotter;
  /** Platform, such as `linux/arm64`. @default that of this machine */
  readonly platform?: string;
  /** Credentials of the registry for containerd, `NAME:PASSWORD`. The snapshotter does not get them. @default none */
  readonly user?: string;
}

/** Starts containerd and the snapshotter. `folder.remove()` stops them. @throws `TestRuntimeError` */
export async function startRuntime({ programs, folder, settings = {} }: RuntimeOptions): Promise<Runtime> {
  const root = join(folder.path, 'runtime');
  const runtime = new Runtime(programs, {
    folder: root,
    containerdSocket: join(root, 'containerd.sock'),
    snapshotterSocket: join(root, 'soci.sock'),
    metricsPort: await findFreePort(),
  });
  await runtime.wipe(settings);
  return runtime;
}

/** containerd with soci-snapshotter. Made by {@link startRuntime}. */
export class Runtime {
  readonly #programs: RuntimePrograms;
  readonly #addresses: RuntimeAddresses;
  #settings: SnapshotterSettings = {};
  #containers = 0;
  #mounts = 0;

  constructor(programs: RuntimePrograms, addresses: RuntimeAddresses) {
    this.#programs = programs;
    this.#addresses = addresses;
  }

  /** Path of containerd's configuration. */
  get containerdConfig(): string {
    return join(this.#addresses.folder, 'containerd.toml');
  }

  /** Path of the snapshotter's configuration. */
  get snapshotterConfig(): string {
    return join(this.#addresses.folder, 'soci.toml');
  }

  /** Path of the snapshotter's log since the last wipe. */
  get snapshotterLog(): string {
    return join(this.#addresses.folder, 'soci-snapshotter.log');
  }

  /**
   * Stops both daemons, deletes all that they have stored, and starts them again. Images share unpacked layers, so that an image
   * may be loaded from an earlier ordinary pull unless both are wiped.
   *
   * @param settings - New settings of the snapshotter. By default, they stay.
   * @throws `TestRuntimeError`
   */
  async wipe(settings: SnapshotterSettings = this.#settings): Promise<void> {
    this.#settings = settings;
    const { folder, containerdSocket, snapshotterSocket } = this.#addresses;
    await cleanUp(folder);
    mkdirSync(join(folder, 'mounts'), { recursive: true });
    const [containerdFile, snapshotterFile] = [this.containerdConfig, this.snapshotterConfig];
    writeFileSync(containerdFile, containerdConfig(this.#addresses, settings));
    writeFileSync(snapshotterFile, snapshotterConfig(this.#addresses, settings));
    const { PATH = '' } = process.env;
    const env = { ...process.env, PATH: `${this.#programs.containerdFolder}${delimiter}${PATH}` };
    await startDaemon({
      path: this.#programs.snapshotter,
      args: [
        ...['--config', snapshotterFile, '--root', join(folder, 'soci'), '--address', snapshotterSocket],
        ...['--log-level', settings.logLevel ?? 'info'],
      ],
      env,
      log: this.snapshotterLog,
      address: { path: snapshotterSocket },
    });
    await startDaemon({
      path: join(this.#programs.containerdFolder, 'containerd'),
      args: ['--config', containerdFile],
      env,
      log: join(folder, 'containerd.log'),
      address: { path: containerdSocket },
    });
    await this.#ctr(['version']);
  }

  /** Pulls an image. @throws `TestRuntimeError` */
  async pull({ image, snapshotter, platform, user }: ImageRequest): Promise<void> {
    const selected = platform === undefined ? [] : ['--platform', platform];
    const account = user === undefined ? [] : ['--user', user];
    await this.#ctr(['images', 'pull', '--plain-http', '--snapshotter', snapshotter, ...selected, ...account, image]);
  }

  /** Mounts a pulled image read-only and returns the path of its root. @throws `TestRuntimeError` */
  async mount({ image, snapshotter, platform }: ImageRequest): Promise<string> {
    this.#mounts += 1;
    const path = join(this.#addresses.folder, 'mounts', String(this.#mounts));
    mkdirSync(path);
    const selected = platform === undefined ? [] : ['--platform', platform];
    await this.#ctr(['images', 'mount', '--snapshotter', snapshotter, ...selected, image, path]);
    return path;
  }

  /** Unmounts the root of an image. @throws `TestRuntimeError` */
  async unmount(path: string): Promise<void> {
    await runSuccessfully('umount', [path]);
  }

  /**
   * Runs a command in a new container of a pulled image, with the environment and working directory of the image. Deletes the
   * container.
   *
   * @param onOutput - Called when the command writes to its standard output.
   * @returns The result of the command, whatever its exit code.
   * @throws `TestRuntimeError` `TIMEOUT`
   */
  run(
    { image, snapshotter }: ImageRequest,
    command: readonly string[],
    onOutput: () => void = () => {},
  ): Promise<ProgramResult> {
    this.#containers += 1;
    const { folder, containerdSocket } = this.#addresses;
    const args = [
      ...['--address', containerdSocket, 'run', '--rm', '--snapshotter', snapshotter],
      // By default, runtimes of one machine share these folders.
      ...['--runc-root', join(folder, RUNC_FOLDER), '--fifo-dir', join(folder, 'fifos')],
      ...[image, `c${process.pid}-${this.#containers}`, ...command],
    ];
    return runProgram(join(this.#programs.containerdFolder, 'ctr'), args, { onOutput });
  }

  /** Returns the mounts of the runtime. A lazily loaded layer is a mount of type `fuse.rawBridge`. */
  listMounts(): Mount[] {
    return listMounts(this.#addresses.folder);
  }

  /**
   * Returns the snapshotter's metrics: the sum of the values of all label sets, by name.
   *
   * @throws If the snapshotter does not answer.
   */
  async readMetrics(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`http://127.0.0.1:${this.#addresses.metricsPort}/metrics`);
    const sums = new Map<string, number>();
    for (const [, name = '', value] of (await response.text()).matchAll(/^(\w+)(?:\{.*\})? (\S+)$/gm)) {
      sums.set(name, (sums.get(name) ?? 0) + Number(value));
    }
    return sums;
  }

  /** Returns the snapshotter's log since the last wipe. */
  readSnapshotterLog(): string {
    return readFileSync(this.snapshotterLog, 'utf8');
  }

  #ctr(args: readonly string[]): Promise<ProgramResult> {
    const ctr = join(this.#programs.containerdFolder, 'ctr');
    return runSuccessfully(ctr, ['--address', this.#addresses.containerdSocket, ...args]);
  }
}
