import { DEFAULT_OUTPUT_TAG, type Filters, type OutputTag, parseFilters, parseOutputTag } from '@soci/filter';
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
    fips: variables.flag('AWS_USE_FIPS_ENDPOINT', false),
    dualStack: variables.flag('AWS_USE_DUALSTACK_ENDPOINT', false),
  };
  variables.finish();
  return settings;
}
