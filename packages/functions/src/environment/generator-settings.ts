import { DEFAULT_OUTPUT_TAG, type EcrEventKind, type OutputTag, parseOutputTag } from '@soci/filter';
import {
  DEFAULT_MIN_LAYER_SIZE,
  type IndexLimits,
  type RecompressibleFormat,
  type SociIndexOptions,
} from '@soci/index';
import { quoteText } from '@soci/oci';
import { type Environment, readEventKinds, readMemberAccounts, readQueueUrl, VariableReader } from './variables.ts';

/** Environment variables of the generator. All are optional, and an empty variable counts as unset. */
export interface GeneratorEnvironment {
  /** `V2` creates a SOCI-enabled image, `V1` an index that refers to the image. @default 'V2' */
  readonly soci_index_version?: 'V1' | 'V2';
  /**
   * Tag of the SOCI-enabled image: text with `{tag}` or `{digest12}`, or `none` for an untagged image. Ignored for `V1`.
   *
   * @default '{tag}-soci'
   */
  readonly soci_output_tag?: string;
  /** Minimum size of a layer to index, in bytes. @default '10485760': 10 MiB */
  readonly soci_min_layer_size?: string;
  /**
   * Size of a span, in uncompressed bytes. `auto`: small where the start of a container reads, large elsewhere, as the profile
   * says that is stored in the repository; without one, as predicted from the image. Not with `soci_compat`.
   *
   * @default '4194304': 4 MiB
   */
  readonly soci_span_size?: string;
  /**
   * Whether spans follow the profile that is stored in the repository. Without one, they have the default size. Not with
   * `soci_compat` and not with another size in `soci_span_size`.
   *
   * @default 'false'
   */
  readonly soci_use_stored_profile?: 'true' | 'false';
  /** Spans of each layer that are read back and compared before the index is pushed; 0 disables this. @default '4' */
  readonly soci_verify_spans?: string;
  /** Whether to reuse zTOCs of layers that were indexed with other images of the repository. @default 'true' */
  readonly soci_reuse_layers?: 'true' | 'false';
  /**
   * Layers to recompress with gzip, so that they are indexed: those compressed with zstd, and also uncompressed ones. Only for
   * `V2`, and not with `soci_compat`.
   *
   * @default 'none'
   */
  readonly soci_recompress?: 'none' | 'zstd' | 'zstd,tar';
  /** `soci-cli`: same bytes and restrictions as the soci command line. @default - the format of `@soci/index` */
  readonly soci_compat?: 'soci-cli';
  /** Name or ARN of the event bus that gets an event for each new index and each permanent failure. @default - no events */
  readonly soci_event_bus?: string;
  /**
   * URL of the Amazon SQS queue that the generator reads. A message that failed is then received again after a minute, and after
   * twice the time for each further attempt, up to 15 minutes.
   *
   * @default - such a message is received again after the visibility timeout
   */
  readonly soci_queue_url?: string;
  /** Comma-separated kinds of events to accept: `push`, `replication`, `pull-through-cache`. @default 'push' */
  readonly soci_event_kinds?: string;
  /** Comma-separated ids of further accounts whose images are indexed. @default - only the account of the function */
  readonly soci_member_accounts?: string;
  /**
   * Registry host with an optional port, if it differs from the standard ECR host, for example a proxy. The host receives ECR
   * tokens.
   *
   * @default - the ECR host for the account and Region of the event
   */
  readonly soci_registry_host?: string;
}

/** Settings of the generator. */
export interface GeneratorSettings {
  readonly version: 1 | 2;
  readonly outputTag: OutputTag;
  /** Bytes. */
  readonly minLayerSize: number;
  /** Bytes, or `auto`; undefined for the default of `@soci/ztoc`. */
  readonly spanSize: number | 'auto' | undefined;
  /** Whether only a stored profile is followed, so that none is predicted. */
  readonly useStoredProfile: boolean;
  readonly verifySpans: number;
  readonly reuseLayers: boolean;
  /** Formats of layers to recompress. */
  readonly recompress: readonly RecompressibleFormat[];
  readonly compat: 'soci-cli' | undefined;
  readonly eventBus: string | undefined;
  readonly queueUrl: string | undefined;
  readonly kinds: readonly EcrEventKind[];
  readonly memberAccounts: readonly string[];
  readonly registryHost: string | undefined;
  /** Whether to use FIPS and dual-stack endpoints, from the variables of the AWS SDK. */
  readonly fips: boolean;
  readonly dualStack: boolean;
  /** Number of layers that are built at the same time, and what they may need. */
  readonly resources: FunctionResources;
}

/** Options of `indexImage` that depend on the memory of the function. */
export type FunctionResources = Required<Pick<SociIndexOptions, 'jobs' | 'limits' | 'layerLimits'>>;

/** Maximum value for a layer or span size, in bytes: 1 TiB. */
const MAX_SIZE = 2 ** 40;
const MAX_VERIFY_SPANS = 1000;

/** The span size of `@soci/index` without options, in bytes. */
const DEFAULT_SPAN_SIZE = 4 << 20;

/** Formats by the value of `soci_recompress`. */
const RECOMPRESS = { none: [], zstd: ['zstd'], 'zstd,tar': ['zstd', 'tar'] } as const;

/** Memory in MB for which Lambda allocates one vCPU. @see AWS Lambda Developer Guide, "Configure memory" */
const MEMORY_PER_VCPU = 1769;

const MEBIBYTE = 2 ** 20;

/** Memory of Node.js, the AWS SDK and buffers, in bytes. A bomb of small records needs the most of it. */
const BASE_MEMORY = 200 * MEBIBYTE;
/** Limits for any amount of memory, in bytes: the defaults of `@soci/ztoc`, and what the smallest function has. */
const MAX_ZTOC_SIZE = 512 * MEBIBYTE;
const MAX_METADATA_SIZE = 256 * MEBIBYTE;
const MIN_MEMORY = 32 * MEBIBYTE;

/**
 * Derives the limits from the memory of a function in MB. Each job builds one zTOC, and pushes another at the same time. One
 * more is checked. With the span size `auto`, all zTOCs of the image are in memory instead of those that are pushed.
 */
function resourcesFor(memory: number): FunctionResources {
  // With half of a further vCPU, a further layer at the same time is still faster.
  const jobs = Math.max(1, Math.round(memory / MEMORY_PER_VCPU));
  const available = Math.max(MIN_MEMORY, memory * MEBIBYTE - BASE_MEMORY);
  const parts = 2 * jobs + 1;
  const maxZtocSize = Math.min(MAX_ZTOC_SIZE, Math.floor(available / parts));
  const limits: IndexLimits = { maxZtocSize, maxZtocsSize: available - jobs * maxZtocSize };
  return { jobs, limits, layerLimits: { maxZtocSize, maxMetadataSize: Math.min(MAX_METADATA_SIZE, maxZtocSize) } };
}

const HOST = /^(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)*[a-z\d](?:[a-z\d-]*[a-z\d])?(?::\d{1,5})?$/i;
const EVENT_BUS = /^(?:arn:aws[\w-]*:events:[\w-]+:\d{12}:event-bus\/)?[/.\w-]{1,256}$/;

/** Reads the settings from the environment. @throws FunctionError `ENVIRONMENT_INVALID` with all faults. */
export function readGeneratorSettings(environment: Environment): GeneratorSettings {
  const variables = new VariableReader(environment);
  const template = variables.optional('soci_output_tag') ?? DEFAULT_OUTPUT_TAG;
  const settings: GeneratorSettings = {
    version: variables.choice('soci_index_version', ['V1', 'V2'], 'V2') === 'V1' ? 1 : 2,
    outputTag: variables.parsed('soci_output_tag', template, parseOutputTag(DEFAULT_OUTPUT_TAG), parseOutputTag),
    minLayerSize: variables.wholeNumber('soci_min_layer_size', DEFAULT_MIN_LAYER_SIZE, 0, MAX_SIZE),
    spanSize: variables.wordOrNumber('soci_span_size', 'auto', 1, MAX_SIZE),
    useStoredProfile: variables.flag('soci_use_stored_profile', false),
    verifySpans: variables.wholeNumber('soci_verify_spans', 4, 0, MAX_VERIFY_SPANS),
    reuseLayers: variables.flag('soci_reuse_layers', true),
    recompress: RECOMPRESS[variables.choice('soci_recompress', ['none', 'zstd', 'zstd,tar'], 'none')],
    compat: variables.choice('soci_compat', ['soci-cli', 'none'], 'none') === 'soci-cli' ? 'soci-cli' : undefined,
    eventBus: matching(variables, 'soci_event_bus', EVENT_BUS, 'the name or ARN of an event bus'),
    queueUrl: readQueueUrl(variables),
    kinds: readEventKinds(variables),
    memberAccounts: readMemberAccounts(variables),
    registryHost: matching(variables, 'soci_registry_host', HOST, 'HOST or HOST:PORT'),
    fips: variables.flag('AWS_USE_FIPS_ENDPOINT', false),
    dualStack: variables.flag('AWS_USE_DUALSTACK_ENDPOINT', false),
    resources: resourcesFor(variables.wholeNumber('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 128, 1, 1 << 20)),
  };
  if (settings.recompress.length > 0) {
    if (settings.version === 1)
      variables.reject('soci_recompress', 'needs soci_index_version V2: V1 changes no layers');
    if (settings.compat !== undefined) variables.reject('soci_recompress', 'cannot be combined with soci_compat');
  }
  if (settings.spanSize === 'auto' && settings.compat !== undefined) {
    variables.reject('soci_span_size', 'cannot be combined with soci_compat');
  }
  if (settings.useStoredProfile) {
    if (typeof settings.spanSize === 'number' && settings.spanSize !== DEFAULT_SPAN_SIZE)
      variables.reject('soci_use_stored_profile', 'cannot be combined with a fixed soci_span_size');
    if (settings.compat !== undefined)
      variables.reject('soci_use_stored_profile', 'cannot be combined with soci_compat');
  }
  variables.finish();
  return settings;
}

function matching(variables: VariableReader, name: string, pattern: RegExp, expected: string): string | undefined {
  const value = variables.optional(name);
  return variables.parsed(name, value ?? '', undefined, (text) => {
    if (!pattern.test(text)) throw new Error(`${quoteText(text)} is not ${expected}`);
    return text;
  });
}
