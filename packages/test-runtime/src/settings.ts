import { join } from 'node:path';

/** Settings of the snapshotter that the tests change. */
export interface SnapshotterSettings {
  /**
   * Whether the snapshotter also fetches what no container has read. `true`, the snapshotter's default, starts 30 s after a mount and
   * fetches two spans per second. `'eager'` starts immediately and does not pause. Off, so that fetched bytes can be counted.
   *
   * @default false
   */
  readonly backgroundFetch?: boolean | 'eager';
  /** Whether the snapshotter fetches the spans of a prefetch artifact when it mounts a layer. @default false */
  readonly prefetch?: boolean;
  /** Level of the snapshotter's log. `debug` costs CPU time. @default 'info' */
  readonly logLevel?: 'debug' | 'info';
  /** Which kinds of indexes are used. @default both */
  readonly versions?: readonly (1 | 2)[];
  /** Whether layers are pulled whole, in parallel, without any index. @default false */
  readonly parallelPull?: boolean;
  /** Size below which layers are pulled whole, in bytes. @default 0 */
  readonly minLayerSize?: number;
  /** Whether containerd passes the labels that the snapshotter needs. @default true */
  readonly labels?: boolean;
}

/** Paths and ports of a runtime. */
export interface RuntimeAddresses {
  /** Folder of everything that a wipe deletes. */
  readonly folder: string;
  readonly containerdSocket: string;
  readonly snapshotterSocket: string;
  /** Port of the snapshotter's metrics on 127.0.0.1. */
  readonly metricsPort: number;
}

/**
 * Returns the configuration of containerd: the snapshotter as a proxy plugin, and pulls by the transfer service, which unpacks
 * for it or for overlayfs.
 */
export function containerdConfig(
  { folder, containerdSocket, snapshotterSocket }: RuntimeAddresses,
  { labels = true }: Pick<SnapshotterSettings, 'labels'> = {},
): string {
  return `version = 3
root = ${quote(join(folder, 'containerd'))}
state = ${quote(join(folder, 'state'))}
disabled_plugins = [
  'io.containerd.internal.v1.opt',
  'io.containerd.nri.v1.nri',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.erofs',
]

[grpc]
address = ${quote(containerdSocket)}

[ttrpc]
address = ${quote(`${containerdSocket}.ttrpc`)}

[[plugins.'io.containerd.transfer.v1.local'.unpack_config]]
platform = 'linux'
snapshotter = 'soci'

[[plugins.'io.containerd.transfer.v1.local'.unpack_config]]
platform = 'linux'
snapshotter = 'overlayfs'

[proxy_plugins.soci]
type = 'snapshot'
address = ${quote(snapshotterSocket)}

[proxy_plugins.soci.exports]
address = ${quote(snapshotterSocket)}
root = ${quote(join(folder, 'soci'))}
${labels ? "enable_remote_snapshot_annotations = 'true'" : ''}
`;
}

/** Returns the configuration of the snapshotter. By default, it loads lazily only images with an index of either version. */
export function snapshotterConfig(
  { containerdSocket, metricsPort }: RuntimeAddresses,
  {
    backgroundFetch = false,
    prefetch = false,
    versions = [1, 2],
    parallelPull = false,
    minLayerSize = 0,
  }: SnapshotterSettings,
): string {
  const eager = 'silence_period_msec = 1\nfetch_period_msec = 1\n';
  return `metrics_address = '127.0.0.1:${metricsPort}'
disable_verification = false

[content_store]
type = 'soci'
containerd_address = ${quote(containerdSocket)}

[pull_modes.soci_v1]
enable = ${versions.includes(1)}

[pull_modes.soci_v2]
enable = ${versions.includes(2)}

[pull_modes.parallel_pull_unpack]
enable = ${parallelPull}
discard_unpacked_layers = ${parallelPull}

[snapshotter]
min_layer_size = ${minLayerSize}

[prefetch]
enable = ${prefetch}

[background_fetch]
disable = ${backgroundFetch === false}
${backgroundFetch === 'eager' ? eager : ''}`;
}

/** Returns a TOML literal string, which has no escapes. The paths are ours, and have no quotes. */
function quote(path: string): string {
  return `'${path}'`;
}
