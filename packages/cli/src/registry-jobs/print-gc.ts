import type {
  DeletionResult,
  GarbageItem,
  GarbagePlan,
  GarbageReason,
  KeptItem,
  KeptReason,
} from '@soci/registry-jobs';
import { describeError } from '../terminal/describe-error.ts';
import type { Output } from '../terminal/output.ts';
import { pluralize, shortDigest } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';
import type { FoundGarbage } from './run-gc.ts';

/** A repository that could not be read. */
export interface FailedGc {
  readonly repository: string;
  readonly error: unknown;
}

/** What each reason means. */
const REASONS: Readonly<Record<GarbageReason | KeptReason, string>> = {
  'source-gone': 'its source image was deleted',
  'tag-moved': 'its source image has lost its tag',
  replaced: 'a newer index of its source image has the tag',
  untagged: 'an untagged SOCI-enabled image of another tool',
  'subject-gone': 'the image that it refers to is gone',
  part: 'only garbage lists it',
  'no-root': 'no image lists it',
  'in-use': 'it, or an image that it belongs to, is in use',
  archived: 'it is archived, or lists an archived manifest',
  'too-new': 'it was pushed recently (--older-than)',
  'age-unknown': 'the registry does not report when it was pushed (--older-than 0d)',
  unmarked: 'it has no annotations of this program (--include-unmarked)',
  'other-tag': 'it has a tag that is not one of an index',
  'source-exists': 'it is untagged, but its source image has a tag',
  stale: 'an image with its tag exists: index that image again (backfill)',
  'possible-copy': 'no image here has its source image, so it can be a copy (--keep-copies)',
  listed: 'another image lists it',
  'has-referrers': 'another manifest refers to it',
  'unreadable-index': 'an archived or invalid image index could list it',
};

/** Prints what is garbage, without deleting it. */
export async function printGarbage(found: FoundGarbage, output: Output): Promise<void> {
  const { host, plans, failed } = found;
  if (output.json) {
    const repositories = plans.map(({ repository, items, kept, hasSources, isPartial }) => ({
      repository,
      garbage: items,
      kept,
      hasSources,
      isPartial,
    }));
    await output.writeJson({ host, dryRun: true, repositories, failed: describeFailures(failed) });
    return;
  }
  if (output.quiet) {
    for (const { repository, items } of plans) {
      for (const { digest } of items) await output.writeLine(`${host}/${printable(repository)}@${digest}`);
    }
    return;
  }
  await printList(plans, 'GARBAGE', ({ items }) => items, output);
  await printList(plans, 'KEPT', ({ kept }) => kept, output);
  const count = plans.reduce((sum, { items }) => sum + items.length, 0);
  await output.writeLine(`Dry run: ${pluralize(count, 'manifest')} of garbage in ${host}. Nothing was deleted.`);
  if (count > 0) {
    await printConsequence(
      plans.flatMap(({ repository, items }) => items.map((item) => ({ repository, item }))),
      host,
      output,
    );
    const list = found.isInUseKnown ? '' : ' and --in-use with a FILE, ecs:CLUSTER or none';
    await output.note(`To delete it, add --delete${list}.`);
  }
  await printLimits(found, output);
}

/** Prints what was deleted, and what was kept at the last moment. */
export async function printDeletions(
  found: FoundGarbage,
  results: readonly DeletionResult[],
  undo: string | undefined,
  output: Output,
): Promise<void> {
  const { host, failed } = found;
  if (output.json) {
    const lines = results.map(({ repository, item, outcome, reason, message }) => ({
      repository,
      digest: item.digest,
      tags: item.tags,
      kind: item.kind,
      garbage: item.reason,
      outcome,
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
    }));
    await output.writeJson({
      host,
      dryRun: false,
      undo: undo ?? null,
      results: lines,
      kept: found.plans.flatMap(({ repository, kept }) => kept.map((item) => ({ repository, ...item }))),
      failed: describeFailures(failed),
    });
    return;
  }
  for (const { repository, item, outcome, reason, message } of results) {
    if (outcome === 'deleted' || outcome === 'gone') continue;
    const why = outcome === 'kept' ? `kept, ${reason}` : `failed: ${printable(message ?? '')}`;
    await output.writeLine(`${host}/${printable(repository)}@${shortDigest(item.digest)}: ${why}`);
  }
  const deleted = results.filter(({ outcome }) => outcome === 'deleted' || outcome === 'gone').length;
  const summary = `Deleted ${pluralize(deleted, 'manifest')} of ${results.length}.`;
  await output.writeLine(results.length === 0 ? `No garbage in ${host}. Nothing was deleted.` : summary);
  const kept = Map.groupBy(
    found.plans.flatMap((plan) => plan.kept),
    ({ reason }) => reason,
  );
  if (kept.size > 0) {
    const counts = [...kept].map(([reason, items]) => `${items.length} ${reason}`);
    await output.note(`Kept although it looks like garbage: ${counts.join(', ')}. See the list without --delete.`);
  }
  if (undo !== undefined) {
    await output.note(`To undo, run: soci-index gc --restore ${undo}`);
    await output.note('The registry removes blobs that no manifest needs, at a time of its choice.');
  }
  await printLimits(found, output);
}

async function printList(
  plans: readonly GarbagePlan[],
  title: string,
  select: (plan: GarbagePlan) => readonly (GarbageItem | KeptItem)[],
  output: Output,
): Promise<void> {
  const rows = plans.flatMap((plan) =>
    select(plan).map(({ digest, tags, kind, reason }) => [
      printable(plan.repository),
      shortDigest(digest),
      printable(tags.join(', ') || '-'),
      kind,
      reason,
    ]),
  );
  if (rows.length === 0) return;
  const columns = [
    { title, flexible: true },
    { title: 'DIGEST' },
    { title: 'TAGS', flexible: true },
    { title: 'KIND' },
    { title: 'REASON' },
  ];
  await output.writeTable(columns, rows);
  await output.writeLine();
  const reasons = plans.flatMap((plan) => select(plan).map(({ reason }) => reason));
  for (const reason of new Set(reasons)) await output.writeLine(`${reason}: ${REASONS[reason]}`);
  await output.writeLine();
}

/** Says what cannot be pulled afterwards. */
async function printConsequence(
  garbage: readonly { readonly repository: string; readonly item: GarbageItem }[],
  host: string,
  output: Output,
): Promise<void> {
  const images = garbage.filter(({ item }) => item.kind === 'soci-image');
  const tags = images.flatMap(({ repository, item }) => item.tags.map((tag) => `${host}/${repository}:${tag}`));
  if (images.length === 0) return;
  const names = tags.length === 0 ? '' : `, such as ${printable(tags[0] ?? '')}`;
  await output.note(
    `${pluralize(images.length, 'SOCI-enabled image')} can be deployed now and cannot be pulled after a deletion${names}.`,
  );
}

/** Warns about garbage that can have been copied from a repository that still has the source images. */
export function warnAboutCopies(plans: readonly GarbagePlan[], output: Output): void {
  const possible = plans.filter(
    ({ hasSources, items }) => !hasSources && items.some(({ reason }) => reason === 'source-gone'),
  );
  if (possible.length === 0) return;
  const names = possible.slice(0, 3).map(({ repository }) => printable(repository));
  const more = possible.length > names.length ? ` and ${possible.length - names.length} more` : '';
  output.warn(
    `no image in ${names.join(', ')}${more} has its source image there. ` +
      'If they are copies from another repository, add --keep-copies',
  );
}

async function printLimits({ host, plans }: FoundGarbage, output: Output): Promise<void> {
  if (plans.some(({ isPartial }) => isPartial)) {
    await output.note(`${host} lists only tags. Untagged garbage is not visible.`);
  }
  if (plans.some(({ kept }) => kept.some(({ reason }) => reason === 'age-unknown'))) {
    await output.note(
      `${host} does not report push times, so the age of garbage is unknown. To ignore it, add --older-than 0d.`,
    );
  }
}

function describeFailures(failed: readonly FailedGc[]) {
  return failed.map(({ repository, error }) => ({ repository, error: describeError(error) }));
}
