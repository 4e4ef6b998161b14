// Whether the image that runs has a SOCI index.
import { pluralize, shortDigest } from '../../terminal/quantity.ts';
import { printable } from '../../terminal/text.ts';
import { type Cause, type CheckResult, found, NO_IMAGE, notChecked, ruledOut } from '../cause.ts';
import { type Evidence, indexOf, isUnread, type RegistryEvidence, type V1Evidence } from '../evidence.ts';
import {
  indexedName,
  listWords,
  nameInRepository,
  platformName,
  platformNames,
  rebuildCommand,
  sociIndex,
} from '../names.ts';
import { indexableLayers } from './layer-checks.ts';

/** Returns what excludes causes of a missing v2 index, or undefined if the image has none. */
function excludedByIndex({ registry }: Evidence): CheckResult | undefined {
  const index = indexOf(registry);
  if (index !== undefined) return ruledOut(`${registry.name} names the SOCI index ${shortDigest(index.digest)}`);
  if (registry.listedIndexes.length > 0) return ruledOut(`${registry.name} lists SOCI indexes for other platforms`);
  return registry.image === undefined ? NO_IMAGE : undefined;
}

/** Returns the v1 SOCI indexes of the image. */
function v1Of({ v1 }: RegistryEvidence) {
  return v1 === undefined || isUnread(v1) ? [] : v1.indexes;
}

/** Returns the v1 SOCI indexes of the image if it has no other, or why they do not matter. */
function v1Indexes(evidence: Evidence): V1Evidence | CheckResult {
  const excluded = excludedByIndex(evidence);
  if (excluded !== undefined) return excluded;
  const { v1 } = evidence.registry;
  return v1 === undefined || isUnread(v1) ? notChecked(v1?.unread ?? 'the referrers were not read') : v1;
}

/** Reports whether another tag of the repository is the SOCI-enabled version of the image. */
function hasCounterpart({ counterpart }: RegistryEvidence): boolean {
  return counterpart !== undefined && !isUnread(counterpart) && counterpart.state === 'indexed';
}

const readsNoAnnotation = ({ image, name }: RegistryEvidence) =>
  `the manifest of ${name} (${shortDigest(image?.descriptor.digest ?? '')}) has no annotation com.amazon.soci.index-digest`;

export const ORIGINAL_IMAGE: Cause = {
  id: 'original-image',
  title: 'the tag refers to the original image, not to its SOCI-enabled version',
  check(evidence) {
    const { registry } = evidence;
    const excluded = excludedByIndex(evidence);
    if (excluded !== undefined) return excluded;
    const { counterpart, name } = registry;
    if (registry.isPinned) return ruledOut(`${name} is a digest`);
    if (counterpart === undefined) return notChecked(`no SOCI-enabled version of ${name} has a tag of its own`);
    if (isUnread(counterpart)) return notChecked(counterpart.unread);
    const other = nameInRepository(registry, `:${counterpart.tag}`);
    if (counterpart.state === 'none') return ruledOut(`${other} does not exist`);
    if (counterpart.state === 'not-indexed') return ruledOut(`${other} has no SOCI index either`);
    const digest = shortDigest(counterpart.digest ?? '');
    if (counterpart.state === 'other') {
      return found(
        'cause',
        `This tag has no SOCI index: ${name} is an original image, and ${other} belongs to an older or different one.`,
        {
          read: [readsNoAnnotation(registry), `${other} (${digest}) is SOCI-enabled, but was made from another image`],
          means:
            'The tag was moved after the index was built, and the new image was not indexed. Deploying the old index would run the old image.',
          remedy: [`Index the image: ${sociIndex('convert', name, other)}`, `Then deploy ${other}.`],
        },
      );
    }
    return found('cause', `This tag has no SOCI index: ${name} is the original image. Deploy ${other}.`, {
      read: [readsNoAnnotation(registry), `${other} (${digest}) is the SOCI-enabled version of this image`],
      means:
        'A SOCI-enabled image has a digest and a tag of its own. The runtime loads lazily only the image that names its index.',
      remedy: [
        `Set the image of the task definition, pod or job to ${other}`,
        `Check it: ${sociIndex('doctor', other)}`,
      ],
    });
  },
};

export const PINNED_DIGEST: Cause = {
  id: 'pinned-digest',
  title: 'the reference is the digest of the original image',
  check(evidence) {
    const { registry } = evidence;
    if (!registry.isPinned) return ruledOut(`${registry.name} is a tag`);
    const excluded = excludedByIndex(evidence);
    if (excluded !== undefined) return excluded;
    const { counterpart } = registry;
    const state = counterpart === undefined || isUnread(counterpart) ? undefined : counterpart.state;
    const other = indexedName(evidence);
    if (state === 'none') return ruledOut(`${other} does not exist, so the image was probably not indexed`);
    if (state === 'not-indexed') return ruledOut(`${other} has no SOCI index either`);
    if (state === 'indexed') {
      return found('cause', `This digest has no SOCI index: it is that of the original image. Deploy ${other}.`, {
        read: [readsNoAnnotation(registry), `${other} is the SOCI-enabled version of this image`],
        means:
          'An index of version 2 is part of a new image with another digest. References to the old digest do not change.',
        remedy: [
          `Set the image of the task definition, pod or job to ${other}, or to the digest of it: ${sociIndex('inspect', '-q', other)}`,
          `Check it: ${sociIndex('doctor', other)}`,
        ],
      });
    }
    return found(
      'cause',
      'This digest has no SOCI index. A digest always refers to the same image, also after an index was built.',
      {
        read: [readsNoAnnotation(registry)],
        means:
          'An index of version 2 is part of a new image with another digest. References to the old digest do not change.',
        remedy: [
          `If the image is indexed, deploy its tag (by default TAG-soci) or that digest: ${sociIndex('inspect', '-q', nameInRepository(registry, ':TAG-soci'))}`,
          `Otherwise index it: ${sociIndex('convert', registry.name, nameInRepository(registry, ':TAG-soci'))}`,
        ],
      },
    );
  },
};

export const NOT_INDEXED: Cause = {
  id: 'not-indexed',
  title: 'no SOCI index was built for the image',
  check(evidence) {
    const { registry } = evidence;
    const excluded = excludedByIndex(evidence);
    if (excluded !== undefined) return excluded;
    if (v1Of(registry).length > 0) return ruledOut('the image has an index of version 1');
    const { counterpart, name, isPinned } = registry;
    if (isPinned && counterpart === undefined)
      return notChecked('a digest alone does not say which tag its SOCI-enabled version has');
    if (
      counterpart !== undefined &&
      !isUnread(counterpart) &&
      counterpart.state !== 'none' &&
      counterpart.state !== 'not-indexed'
    ) {
      return ruledOut(`${nameInRepository(registry, `:${counterpart.tag}`)} is SOCI-enabled`);
    }
    if (indexableLayers(registry).length === 0) return ruledOut('the image has no layer that would be indexed');
    const other = indexedName(evidence);
    const outcome = evidence.log?.events.get('generator-outcome')?.last;
    const answer =
      outcome === undefined
        ? 'no SOCI-enabled version of it was found'
        : `a function logged why: ${printable(outcome.outcome ?? '')}`;
    return found('cause', `${name} has no SOCI index, and ${answer}.`, {
      read: [
        readsNoAnnotation(registry),
        ...describeCounterpart(registry),
        ...describeV1(registry),
        ...(outcome === undefined ? [] : [`${evidence.log?.file}, line ${outcome.number}: ${printable(outcome.text)}`]),
      ],
      means:
        'No tool has indexed the image, or automatic indexing skipped it, for example because no filter matches its repository and tag.',
      remedy: [
        `Index it: ${sociIndex('convert', name, other)}`,
        `Then deploy ${other}.`,
        outcome === undefined
          ? 'If a generator function should have indexed it, pass its log with --log FILE: it says why it skipped the image.'
          : 'docs/outcomes.md explains each outcome and what to change, such as the filters or the smallest layer size.',
      ],
    });
  },
};

function describeCounterpart(registry: RegistryEvidence): string[] {
  const { counterpart } = registry;
  if (counterpart === undefined || isUnread(counterpart)) return [];
  const other = nameInRepository(registry, `:${counterpart.tag}`);
  return [counterpart.state === 'none' ? `${other} does not exist` : `${other} has no SOCI index either`];
}

function describeV1({ v1 }: RegistryEvidence): string[] {
  return v1 === undefined || isUnread(v1) ? [] : ['no SOCI index of version 1 refers to the image'];
}

export const V1_ONLY: Cause = {
  id: 'v1-only',
  title: 'the image has only a SOCI index of version 1',
  check(evidence) {
    const { registry } = evidence;
    const v1 = v1Indexes(evidence);
    if (!('indexes' in v1)) return v1;
    const [first] = v1.indexes;
    if (first === undefined) return ruledOut('no SOCI index of version 1 refers to the image');
    const other = indexedName(evidence);
    if (hasCounterpart(registry)) return ruledOut(`${other} has an index of version 2`);
    if (evidence.snapshotter?.v1) return ruledOut(`${evidence.snapshotter.file}: pull_modes.soci_v1.enable is true`);
    return found('cause', `${registry.name} has only a SOCI index of version 1. Runtimes do not use it by default.`, {
      read: [
        readsNoAnnotation(registry),
        `the referrers of the image: ${pluralize(v1.indexes.length, 'SOCI index', 'SOCI indexes')} of version 1 (${shortDigest(first.digest)})`,
      ],
      means:
        'AWS Fargate uses version 1 only in accounts that used it before, and AWS announced its end for February 2026. ' +
        'soci-snapshotter 0.10 and later ignores it unless pull_modes.soci_v1.enable is true.',
      remedy: [
        `Build an index of version 2: ${sociIndex('convert', registry.name, other)}`,
        `Then deploy ${other}.`,
        'Or, only on your own nodes: set enable = true under [pull_modes.soci_v1] in the configuration of soci-snapshotter, and restart it.',
      ],
    });
  },
};

export const SEVERAL_V1_INDEXES: Cause = {
  id: 'several-v1-indexes',
  title: 'several SOCI indexes of version 1 refer to the image',
  check(evidence) {
    const { registry } = evidence;
    const v1 = v1Indexes(evidence);
    if (!('indexes' in v1)) return v1;
    const { indexes } = v1;
    if (indexes.length < 2) return ruledOut(indexes.length === 0 ? 'none does' : 'one does');
    return found(
      'cause',
      `${indexes.length} SOCI indexes of version 1 refer to this image. Which one a runtime uses is undefined.`,
      {
        read: [`the referrers of the image: ${listWords(indexes.map(({ digest }) => shortDigest(digest)))}`],
        means:
          'soci-snapshotter does not define which of several indexes it chooses. It may choose an old or damaged one.',
        remedy: [
          `Build an index of version 2, which the image names: ${sociIndex('convert', registry.name, indexedName(evidence))}`,
          `Or delete the indexes that are not needed. Check them first: ${sociIndex('verify', registry.name)}`,
        ],
      },
    );
  },
};

export const PLATFORM_NOT_INDEXED: Cause = {
  id: 'platform-not-indexed',
  title: 'the platform that runs has no SOCI index, but others have',
  check({ registry }) {
    const { platforms, wantedPlatform, image, name } = registry;
    if (platforms.length === 0) return NO_IMAGE;
    const hasWrongPlatform =
      wantedPlatform !== undefined && (image === undefined || !isFor(image.platform, wantedPlatform));
    if (hasWrongPlatform) {
      const offered = image === undefined ? platformNames(platforms) : platformName(image.platform);
      return found('cause', `${name} has no image for ${platformName(wantedPlatform)}. It has ${offered}.`, {
        read: [`the platforms of ${name}: ${offered}`],
        means: 'A runtime for that platform cannot run this image at all, or runs it under emulation.',
        remedy: [
          'Set the CPU architecture of the task or node to one of the image, or build the image for that platform',
          `Then index it: ${sociIndex('convert', '--all-platforms', 'SRC', 'DST')}`,
        ],
      });
    }
    const indexed = platforms.filter(({ isIndexed }) => isIndexed);
    if (indexed.length === 0) return ruledOut('no platform of the image has a SOCI index');
    const missing = platforms.filter(
      ({ isIndexed, platform }) =>
        !isIndexed && (wantedPlatform === undefined || (platform && isFor(platform, wantedPlatform))),
    );
    if (missing.length === 0) return ruledOut(`the image has a SOCI index for ${platformNames(indexed)}`);
    return found(
      'cause',
      `${name} has no SOCI index for ${platformNames(missing)}, only for ${platformNames(indexed)}.`,
      {
        read: [
          `${name} lists ${pluralize(platforms.length, 'image')} and ${pluralize(indexed.length, 'SOCI index', 'SOCI indexes')}: none for ${platformNames(missing)}`,
        ],
        means: `On ${platformNames(missing)} the image is pulled whole. Some tools index only the platform of the machine that they run on.`,
        remedy: [
          `Index all platforms: ${rebuildCommand(registry)}`,
          ...(wantedPlatform === undefined
            ? [
                `If your containers run on ${platformNames(indexed)}, this does not concern you: add --platform ${platformName(indexed[0]?.platform)}`,
              ]
            : []),
        ],
      },
    );
  },
};

function isFor(
  platform: { readonly os: string; readonly architecture: string } | undefined,
  wanted: { readonly os: string; readonly architecture: string },
): boolean {
  return platform === undefined || (platform.os === wanted.os && platform.architecture === wanted.architecture);
}
