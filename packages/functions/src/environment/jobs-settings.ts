import { DEFAULT_OUTPUT_TAG, type Filters, type OutputTag, parseFilters, parseOutputTag } from '@soci/filter';
import { quoteText } from '@soci/oci';
import { type Environment, VariableReader } from './variables.ts';

/** Environment variables of the functions of a state machine. An empty variable counts as unset. */
export interface JobsEnvironment {
  /** Bucket for the plan, the results and the report of each run. */
  readonly soci_bucket: string;
  /** Images to index: comma-separated `repository:tag` filters. @see `parseFilters` of `@soci/filter` */
  readonly soci_repository_image_tag_filters: string;
  /** Version that the generator creates. @default 'V2' */
  readonly soci_index_version?: 'V1' | 'V2';
  /** Output tag of the generator. @default '{tag}-soci' */
  readonly soci_output_tag?: string;
  /** Compressed bytes of the largest image that the generator gets. Larger ones are only reported. @default - no limit */
  readonly soci_max_image_size?: string;
  /** Days since the push after which images are not indexed. @default - no limit */
  readonly soci_newer_than_days?: string;
  /** Images of a run above which it stops unless its input has `"confirm": true`. @default '10000' */
  readonly soci_confirm_above?: string;
  /** Name or ARN of the event bus that gets `SOCI Run Complete`. @default 'default' */
  readonly soci_event_bus?: string;
  /** Whether runs look for garbage, and whether they delete it. @default 'off' */
  readonly soci_garbage?: GarbageMode;
  /** Days since the push before which garbage is kept. @default '30' */
  readonly soci_garbage_older_than_days?: string;
  /** Comma-separated ARNs or names of the Amazon ECS clusters whose images are kept. @default - no clusters */
  readonly soci_in_use_clusters?: string;
  /**
   * Images in use outside of the clusters: `lists` if objects below `in-use/` of the bucket name them, `none` if no other image is
   * in use. Required unless `soci_garbage` is `off`.
   */
  readonly soci_in_use_elsewhere?: 'lists' | 'none';
}

/** What a run does with garbage: nothing, report it, or delete it. */
export type GarbageMode = 'off' | 'report' | 'delete';

/** Settings of the step that deletes garbage. */
export interface GarbageSettings {
  readonly mode: GarbageMode;
  /** Minimum age in milliseconds. */
  readonly olderThan: number;
  /** ARNs or names of clusters. */
  readonly clusters: readonly string[];
  /** Whether objects of the bucket name further images in use. */
  readonly hasLists: boolean;
}

/** Settings of the functions of a state machine. */
export interface JobsSettings {
  readonly bucket: string;
  readonly filters: Filters;
  readonly version: 1 | 2;
  readonly outputTag: OutputTag;
  /** Bytes; undefined without a limit. */
  readonly maxImageSize: number | undefined;
  readonly newerThanDays: number | undefined;
  readonly confirmAbove: number;
  readonly eventBus: string;
  readonly garbage: GarbageSettings;
  /** Whether to use FIPS and dual-stack endpoints, from the variables of the AWS SDK. */
  readonly fips: boolean;
  readonly dualStack: boolean;
}

/** Maximum size of an image: 1 PiB in bytes. */
const MAX_SIZE = 2 ** 50;
/** A century. */
const MAX_DAYS = 36_500;
const DEFAULT_CONFIRM_ABOVE = 10_000;
/** Ten times the images that a quota of Amazon ECR allows in a thousand repositories. */
const MAX_IMAGES = 1_000_000_000;
/** Days. */
const DEFAULT_GARBAGE_DAYS = 30;
/** Milliseconds of a day. */
const DAY = 86_400_000;
/** Name of a cluster, or its ARN. @see Amazon ECS API Reference, "CreateCluster" */
const CLUSTER = /^(?:arn:[a-z-]{1,20}:ecs:[a-z\d-]{1,30}:\d{12}:cluster\/)?[\w-]{1,255}$/;

/** Reads the settings from the environment. @throws FunctionError `ENVIRONMENT_INVALID` with all faults. */
export function readJobsSettings(environment: Environment): JobsSettings {
  const variables = new VariableReader(environment);
  const none: Filters = { include: [], exclude: [] };
  const filters = variables.required('soci_repository_image_tag_filters', 'repository:tag, separated by commas');
  const template = variables.optional('soci_output_tag') ?? DEFAULT_OUTPUT_TAG;
  const optionalNumber = (name: string, max: number) =>
    variables.optional(name) === undefined ? undefined : variables.wholeNumber(name, 0, 1, max);
  const settings: JobsSettings = {
    bucket: variables.required('soci_bucket', 'the name of a bucket'),
    filters: variables.parsed('soci_repository_image_tag_filters', filters.trim(), none, parseFilters),
    version: variables.choice('soci_index_version', ['V1', 'V2'], 'V2') === 'V1' ? 1 : 2,
    outputTag: variables.parsed('soci_output_tag', template, parseOutputTag(DEFAULT_OUTPUT_TAG), parseOutputTag),
    maxImageSize: optionalNumber('soci_max_image_size', MAX_SIZE),
    newerThanDays: optionalNumber('soci_newer_than_days', MAX_DAYS),
    confirmAbove: variables.wholeNumber('soci_confirm_above', DEFAULT_CONFIRM_ABOVE, 0, MAX_IMAGES),
    eventBus: variables.optional('soci_event_bus') ?? 'default',
    garbage: readGarbageSettings(variables),
    fips: variables.flag('AWS_USE_FIPS_ENDPOINT', false),
    dualStack: variables.flag('AWS_USE_DUALSTACK_ENDPOINT', false),
  };
  variables.finish();
  return settings;
}

function readGarbageSettings(variables: VariableReader): GarbageSettings {
  const mode = variables.choice('soci_garbage', ['off', 'report', 'delete'], 'off');
  const elsewhere = variables.choice('soci_in_use_elsewhere', ['lists', 'none'], 'lists');
  // That nothing else is in use must be said.
  if (mode !== 'off') variables.required('soci_in_use_elsewhere', 'lists or none');
  return {
    mode,
    olderThan: variables.wholeNumber('soci_garbage_older_than_days', DEFAULT_GARBAGE_DAYS, 0, MAX_DAYS) * DAY,
    clusters: variables.parsed(
      'soci_in_use_clusters',
      variables.optional('soci_in_use_clusters') ?? '',
      [],
      parseClusters,
    ),
    hasLists: elsewhere === 'lists',
  };
}

function parseClusters(list: string): readonly string[] {
  return list.split(',').map((entry) => {
    const cluster = entry.trim();
    if (!CLUSTER.test(cluster))
      throw new Error(`${quoteText(cluster)} is not the name or ARN of an Amazon ECS cluster`);
    return cluster;
  });
}
