import { DEFAULT_OUTPUT_TAG, FilterError, type OutputTag, parseOutputTag } from '@soci/filter';
import {
  type IndexImageOptions,
  type SourceStore,
  settingsDigest,
  settingsDigestsIn,
  type TargetStore,
} from '@soci/index';
import { digestOf } from '@soci/oci';
import type { IndexPolicy } from '@soci/registry-jobs';
import { parseDuration } from '../command/duration.ts';
import { type OptionValues, omitUndefined, valueOption } from '../command/option.ts';
import { usageError } from '../errors.ts';
import { CONVERT_OPTIONS, toIndexOptions } from '../image/index-options.ts';
import { parseFilterOption } from './registry-globs.ts';

const {
  jobs: _jobs,
  tag: _tag,
  'overwrite-source': _overwrite,
  'dry-run': _dryRun,
  'no-reuse': _reuse,
  force: _force,
  verify: _verify,
  'allow-nothing': _allowNothing,
  'result-file': _resultFile,
  'summary-file': _summaryFile,
  ...SETTINGS
} = CONVERT_OPTIONS;

/** Options that select images of a registry, and say which index they must have. */
export const POLICY_OPTIONS = {
  filter: valueOption('FILTERS', parseFilterOption, "select images REPO:TAG, such as 'prod/*:v*'"),
  'newer-than': valueOption('AGE', parseDuration, 'select images pushed within AGE, such as 30d'),
  'output-tag': valueOption('TAG', parseOutputTagOption, `tag the result TAG (default ${DEFAULT_OUTPUT_TAG})`),
  ...SETTINGS,
} as const;

/** What the options say about every image. */
export interface BulkSettings {
  readonly policy: IndexPolicy;
  /** Returns the policy of a repository, whose stored profile can determine the settings. */
  readonly policyIn: (store: SourceStore & TargetStore, signal: AbortSignal) => Promise<IndexPolicy>;
  readonly outputTag: OutputTag;
  /** Options of `indexImage`, without the number of jobs. */
  readonly index: IndexImageOptions;
  /** Digest of all that determines the outcome of an image. */
  readonly identity: string;
}

/** Converts options to a policy. Reads the files of `--profile` and `--prefetch-files-json`. */
export async function toBulkSettings(
  options: OptionValues<typeof POLICY_OPTIONS>,
  signal: AbortSignal,
): Promise<BulkSettings> {
  const { filter, 'newer-than': newerThan, 'output-tag': outputTag = parseOutputTag(DEFAULT_OUTPUT_TAG) } = options;
  const index = await toIndexOptions({ ...options, jobs: undefined }, signal);
  const { profile, compat, reuse: _, ...build } = index;
  const digest = settingsDigest(2, profile === undefined || profile === 'stored' ? build : { ...build, profile });
  const followsStored = profile === 'stored' || (build.spanSize === 'auto' && profile === undefined);
  const policy: IndexPolicy = omitUndefined({
    filters: filter,
    outputTag,
    // The only comparison with the clock of this machine.
    newerThan: newerThan === undefined ? undefined : Date.now() - newerThan * 1000,
    // The soci CLI writes no provenance.
    readsProvenance: compat === undefined,
  });
  return {
    policy,
    policyIn: async (store, signal) =>
      compat === undefined
        ? { ...policy, settingsDigest: await settingsDigestsIn(store, 2, { ...index, signal }) }
        : policy,
    outputTag,
    index,
    identity: digestOf(Buffer.from(JSON.stringify([digest, compat, followsStored, outputTag.template]))),
  };
}

/** Parses the value of `--output-tag`. @throws CliError `USAGE_INVALID` */
export function parseOutputTagOption(text: string): OutputTag {
  try {
    return parseOutputTag(text);
  } catch (error) {
    if (error instanceof FilterError) throw usageError(error.message);
    throw error;
  }
}
