// Whether containerd and soci-snapshotter are configured to load lazily, and what their log says.
import { formatBytes, formatCount, pluralize } from '../../terminal/quantity.ts';
import { printable } from '../../terminal/text.ts';
import { type Cause, type CheckResult, found, notChecked, ruledOut } from '../cause.ts';
import { type Evidence, isUnread, type LogEvent, type LogEvidence } from '../evidence.ts';
import { sociIndex } from '../names.ts';
import { sizeOf, ztocLayers } from './layer-checks.ts';

const LOG_HINT = 'add --log FILE, such as the output of journalctl -u soci-snapshotter';
const SNAPSHOTTER_HINT = 'add --soci-config /etc/soci-snapshotter-grpc/config.toml';
const CONTAINERD_HINT = 'add --containerd-config /etc/containerd/config.toml';
const RESTART = 'Then restart it: systemctl restart soci-snapshotter';

/** Returns what was read for a kind of line, or undefined if the log has none. */
function readEvent(log: LogEvidence | undefined, event: LogEvent): string | undefined {
  const found = log?.events.get(event);
  if (log === undefined || found === undefined) return undefined;
  return `${log.file}, line ${formatCount(found.last.number)}: ${printable(found.last.text)} (${pluralize(found.count, 'line')})`;
}

/** Returns the facts that were read. */
function facts(...read: readonly (string | undefined)[]): string[] {
  return read.filter((fact) => fact !== undefined);
}

/** Returns what excludes a cause that a log shows: no line of this kind in the log, or no log. */
function withoutLine({ log }: Evidence, what: string): CheckResult {
  if (log === undefined) return notChecked('no log was given', LOG_HINT);
  return log.mentionsImage
    ? ruledOut(`${log.file} has no line about ${what}`)
    : notChecked(`${log.file} does not mention the image`);
}

export const SNAPSHOTTER_NOT_CONFIGURED: Cause = {
  id: 'snapshotter-not-configured',
  title: 'containerd does not use soci-snapshotter, or withholds what it needs',
  check({ containerd, log }) {
    const noLabels = readEvent(log, 'no-labels');
    const fileOf = (names: readonly string[]) =>
      names.length === 0 ? '' : ` Imported files that were not read: ${names.map(printable).join(', ')}.`;
    if (containerd === undefined) {
      if (noLabels === undefined) return notChecked('no configuration of containerd was given', CONTAINERD_HINT);
    } else {
      const { file, plugin, criSnapshotter, transferSnapshotters, unreadImports } = containerd;
      if (plugin === undefined) {
        if (unreadImports.length > 0) return notChecked(`${file} has no [proxy_plugins.soci].${fileOf(unreadImports)}`);
        return found(
          'cause',
          'containerd does not know soci-snapshotter: its configuration has no proxy plugin for it.',
          {
            read: [`${file}: no section [proxy_plugins.NAME] with type = "snapshot" for soci-snapshotter`],
            means: 'containerd unpacks images with overlayfs. It does not look at SOCI indexes.',
            remedy: [
              'Add to the configuration: [proxy_plugins.soci] with type = "snapshot" and address = "/run/soci-snapshotter-grpc/soci-snapshotter-grpc.sock"',
              'For Kubernetes, also set snapshotter = "soci" in the section of the CRI plugin',
              'Then restart it: systemctl restart containerd',
            ],
          },
        );
      }
      const isUsed = criSnapshotter === plugin || transferSnapshotters.includes(plugin);
      if (!isUsed) {
        if (unreadImports.length > 0)
          return notChecked(`${file} does not select the snapshotter ${printable(plugin)}.${fileOf(unreadImports)}`);
        return found(
          'cause',
          `containerd knows soci-snapshotter, but Kubernetes does not use it${criSnapshotter === undefined ? '' : `: it uses ${printable(criSnapshotter)}`}.`,
          {
            read: [
              `${file}: [proxy_plugins.${printable(plugin)}] exists`,
              `${file}: the CRI plugin has ${criSnapshotter === undefined ? 'no setting snapshotter, whose default is overlayfs' : `snapshotter = "${printable(criSnapshotter)}"`}`,
            ],
            means: 'Pods are unpacked with the snapshotter of the CRI plugin. Other clients choose it for each pull.',
            remedy: [
              `Set snapshotter = "${printable(plugin)}" in [plugins."io.containerd.cri.v1.images"] (containerd 2), or in [plugins."io.containerd.grpc.v1.cri".containerd] (containerd 1)`,
              `With nerdctl, add --snapshotter ${printable(plugin)} to pull and run`,
              'Then restart it: systemctl restart containerd',
            ],
          },
        );
      }
      if (containerd.passesLabels && noLabels === undefined)
        return ruledOut(`${file}: containerd uses ${printable(plugin)}, and passes the names of images to it`);
    }
    return found('cause', 'containerd does not tell soci-snapshotter which image a layer belongs to.', {
      read: facts(
        noLabels,
        containerd && !containerd.passesLabels
          ? `${containerd.file}: neither disable_snapshot_annotations = false (CRI) nor enable_remote_snapshot_annotations = "true" (exports of the proxy plugin)`
          : undefined,
      ),
      means:
        'Without the annotations, soci-snapshotter does not know the image, and leaves each layer to containerd, which unpacks it whole.',
      remedy: [
        'containerd 2.1 or later: set enable_remote_snapshot_annotations = "true" in [proxy_plugins.soci.exports]',
        'Older versions: set disable_snapshot_annotations = false in the section of the CRI plugin',
        'Then restart it: systemctl restart containerd',
      ],
    });
  },
};

export const PARALLEL_PULL: Cause = {
  id: 'parallel-pull',
  title: 'soci-snapshotter pulls in parallel instead of lazily',
  check(evidence) {
    const { snapshotter, log } = evidence;
    const line = readEvent(log, 'parallel-pull');
    if (!snapshotter?.parallelPull && line === undefined) {
      return snapshotter === undefined
        ? notChecked('no configuration of soci-snapshotter was given', SNAPSHOTTER_HINT)
        : ruledOut(`${snapshotter.file}: pull_modes.parallel_pull_unpack.enable is false`);
    }
    return found(
      'cause',
      'soci-snapshotter is in parallel pull mode: it pulls every image whole, and does not use SOCI indexes.',
      {
        read: facts(
          snapshotter?.parallelPull ? `${snapshotter.file}: pull_modes.parallel_pull_unpack.enable is true` : undefined,
          line,
        ),
        means:
          'Parallel pull takes precedence over lazy loading. It is the mode of the AMIs of Amazon EKS and of Bottlerocket that support soci-snapshotter.',
        remedy: [
          'Set enable = false in [pull_modes.parallel_pull_unpack] in the configuration of soci-snapshotter',
          'Keep parallel pull if the containers read most of the image when they start: then it is faster than lazy loading.',
          RESTART,
        ],
      },
    );
  },
};

export const PULL_MODE_DISABLED: Cause = {
  id: 'pull-mode-disabled',
  title: 'the configuration of soci-snapshotter excludes the index or the layers',
  check(evidence) {
    const { registry, snapshotter, log } = evidence;
    const disabled = readEvent(log, 'all-lazy-modes-disabled') ?? readEvent(log, 'v2-disabled');
    const usesV2 = registry.index !== undefined;
    if ((snapshotter !== undefined && !snapshotter.v2 && usesV2) || (usesV2 && disabled !== undefined)) {
      return found('cause', 'soci-snapshotter ignores SOCI indexes of version 2: its configuration disables them.', {
        read: facts(
          snapshotter !== undefined && !snapshotter.v2
            ? `${snapshotter.file}: pull_modes.soci_v2.enable is false`
            : undefined,
          disabled,
        ),
        means: `${registry.name} has an index of version 2, which is enabled by default.`,
        remedy: ['Set enable = true in [pull_modes.soci_v2] in the configuration of soci-snapshotter', RESTART],
      });
    }
    const layers = registry.image?.layers.filter(({ digest }) => ztocLayers(registry).has(digest)) ?? [];
    const limit = snapshotter?.minLayerSize ?? 0;
    const small = layers.filter(({ size }) => size < limit);
    const line = readEvent(log, 'layer-too-small');
    if ((small.length > 0 && small.length === layers.length) || line !== undefined) {
      return found(
        'cause',
        'soci-snapshotter skips the layers of this image, because they are smaller than its min_layer_size.',
        {
          read: facts(
            small.length > 0 && snapshotter !== undefined
              ? `${snapshotter.file}: snapshotter.min_layer_size is ${formatBytes(limit)}`
              : undefined,
            small.length > 0
              ? `all ${pluralize(layers.length, 'layer')} with a zTOC (${formatBytes(sizeOf(layers))}) are smaller`
              : undefined,
            line,
          ),
          means: 'min_layer_size of soci-snapshotter applies in addition to that of the tool that built the index.',
          remedy: ['Set min_layer_size = 0 in [snapshotter] in the configuration of soci-snapshotter', RESTART],
        },
      );
    }
    if (snapshotter === undefined)
      return notChecked('no configuration of soci-snapshotter was given', SNAPSHOTTER_HINT);
    return ruledOut(
      `${snapshotter.file}: soci_v2 is ${snapshotter.v2 ? 'enabled' : 'disabled'}, min_layer_size is ${formatBytes(limit)}`,
    );
  },
};

export const INDEX_UNREACHABLE: Cause = {
  id: 'index-unreachable',
  title: 'soci-snapshotter cannot fetch the SOCI index, for example because it has no credentials',
  check(evidence) {
    const { log, registry } = evidence;
    const denied = readEvent(log, 'artifacts-denied');
    if (denied !== undefined) {
      return found(
        'cause',
        `soci-snapshotter has no access to ${registry.host}. containerd has: the image was pulled, but whole.`,
        {
          read: [denied],
          means:
            'soci-snapshotter reads the index and the layers with credentials of its own. If it has none, it silently leaves the image to containerd.',
          remedy: [
            'On Kubernetes: set enable_keychain = true in [cri_keychain] of its configuration, and imageServiceEndpoint of the kubelet to its socket',
            `On other nodes: log in as the user that runs it (root): docker login ${registry.host}, or install a credential helper`,
            RESTART,
          ],
        },
      );
    }
    const failed = readEvent(log, 'artifacts-failed');
    if (failed !== undefined) {
      return found('cause', 'soci-snapshotter cannot fetch the SOCI index of this image.', {
        read: [failed],
        means: 'It then leaves the image to containerd, which pulls it whole.',
        remedy: [
          'Read the error in the line above: a timeout, a proxy or a certificate on the node are likely.',
          `Compare with this machine: ${sociIndex('verify', '--sample', '10', registry.name)}`,
        ],
      });
    }
    return withoutLine(evidence, 'an index that cannot be fetched');
  },
};

export const FUSE_UNAVAILABLE: Cause = {
  id: 'fuse-unavailable',
  title: 'FUSE is not available on the node',
  check(evidence) {
    const line = readEvent(evidence.log, 'fuse-failed');
    if (line === undefined) return withoutLine(evidence, 'a failed FUSE mount');
    return found('cause', 'soci-snapshotter cannot mount layers: FUSE does not work on this node.', {
      read: [line],
      means: 'Each lazy layer is a FUSE file system. Without FUSE, soci-snapshotter unpacks each layer whole.',
      remedy: [
        'Load the kernel module and install fusermount: modprobe fuse; apt-get install fuse3, or dnf install fuse',
        'If soci-snapshotter runs in a container, pass /dev/fuse to it, and let it run privileged with shared mount propagation',
        'Rootless containerd cannot mount with soci-snapshotter of the system: run one in the same user namespace.',
      ],
    });
  },
};

export const WRONG_CONTENT: Cause = {
  id: 'wrong-content',
  title: 'reads through the SOCI index return wrong bytes',
  check(evidence) {
    const { log, registry } = evidence;
    const line = readEvent(log, 'wrong-content');
    if (line === undefined) return withoutLine(evidence, 'wrong content');
    return found('cause', 'The SOCI index does not fit a layer: reads of its files fail with an input/output error.', {
      read: [line],
      means:
        'A zTOC belongs to another layer, or was built by a tool with a known fault: soci before 0.14 builds wrong zTOCs for layers that pigz or mgzip compressed.',
      remedy: [
        `Prove it: ${sociIndex('verify', registry.name)}`,
        `Build the index again with this program: ${sociIndex('convert', '--force', 'SRC', 'DST')}`,
        'Until then, deploy the original image.',
      ],
    });
  },
};

export const IMAGE_CACHED: Cause = {
  id: 'image-cached',
  title: 'the node had the image already',
  check({ log, registry }) {
    if (log === undefined) return notChecked('no log was given', LOG_HINT);
    if (log.mentionsImage) return ruledOut(`${log.file} mentions the image`);
    if (log.events.has('generator-outcome')) return ruledOut(`${log.file} is the log of a function`);
    if (log.events.has('no-labels') || log.events.has('fuse-failed'))
      return ruledOut(`${log.file} shows pulls that fail`);
    return found('no-gain', `soci-snapshotter did not pull ${registry.name} while it wrote this log.`, {
      read: [`${log.file}: ${pluralize(log.lines, 'line')}, none with the name, the digest or a layer of the image`],
      means:
        'The node had the image already, and a container starts from it without a pull: that is not a fault. Or the log is of another node or time, or another snapshotter pulled the image.',
      remedy: [
        `To see a lazy pull, remove the image from the node first: crictl rmi ${registry.name}, or nerdctl rmi ${registry.name}`,
        'If containerd pulled it with overlayfs before, soci-snapshotter pulls it again only under its own snapshotter.',
      ],
    });
  },
};

export const REFERRERS_UNUSABLE: Cause = {
  id: 'referrers-unusable',
  title: 'the registry cannot list SOCI indexes of version 1',
  check({ registry }) {
    const { v1, index } = registry;
    if (index !== undefined) return ruledOut('an index of version 2 does not need the referrers of an image');
    if (v1 === undefined) return ruledOut('the referrers were not needed');
    if (!isUnread(v1)) return ruledOut('the registry lists the referrers of the image');
    return found('note', `${registry.host} does not list referrers, so indexes of version 1 are not found there.`, {
      read: [`a request for the referrers of the image: ${v1.unread}`],
      means:
        'Some registries redirect or reject such requests: Google Artifact Registry, Quay, and Harbor before 2.11.',
      remedy: ['Use an index of version 2, which works with every registry.'],
    });
  },
};
