import type { EcrEventKind } from '@soci/filter';
import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { DEFAULT_OUTPUT_TAG, type OutputTag, parseOutputTag } from './output-tag.ts';
import { type Environment, readEventKinds, VariableReader } from './variables.ts';

/** The environment variables of the generator, all of them optional; an empty one is as good as absent. */
export interface GeneratorEnvironment {
  /** `V2` makes a SOCI-enabled image beside the one that was pushed; `V1` an index that refers to it. @default 'V2' */
  readonly soci_index_version?: 'V1' | 'V2';
  /**
   * What the SOCI-enabled image is called: text with `{tag}` and `{digest12}`, or `none`, and it has a digest only. Not
   * used with `V1`, whose indexes have no tags.
   *
   * @default '{tag}-soci'
   */
  readonly soci_output_tag?: string;
  /** Layers of fewer bytes are left out. @default '10485760': 10 MiB */
  readonly soci_min_layer_size?: string;
  /** Uncompressed bytes between the points of a layer where reading can start. @default '4194304': 4 MiB */
  readonly soci_span_size?: string;
  /** Spans of each layer that are fetched again and compared with the index before it is pushed; 0 none. @default '4' */
  readonly soci_verify_spans?: string;
  /** Whether zTOCs of layers that were indexed with other images of the repository are used again. @default 'true' */
  readonly soci_reuse_layers?: 'true' | 'false';
  /** `soci-cli`: the bytes and the refusals of the reference's command line, exactly. @default - our own */
  readonly soci_compat?: 'soci-cli';
  /** Name or ARN of an event bus that is told of each index, `SOCI Index Ready`. @default - nobody is told */
  readonly soci_event_bus?: string;
  /** Kinds of event that are taken, separated by commas: `push`, `replication`, `pull-through-cache`. @default 'push' */
  readonly soci_event_kinds?: string;
  /**
   * Host of the registry, and port if need be, where it is not reached under the name that Amazon ECR gives it: a
   * proxy, a name of one's own. It gets tokens of Amazon ECR.
   *
   * @default - the host of the account and Region of the event
   */
  readonly soci_registry_host?: string;
}

/** What the generator goes by. */
export interface GeneratorSettings {
  readonly version: 1 | 2;
  readonly outputTag: OutputTag;
  /** Bytes. */
  readonly minLayerSize: number;
  /** Bytes; undefined for the default of `@soci/ztoc`. */
  readonly spanSize: number | undefined;
  readonly verifySpans: number;
  readonly reuseLayers: boolean;
  readonly compat: 'soci-cli' | undefined;
  readonly eventBus: string | undefined;
  readonly kinds: readonly EcrEventKind[];
  readonly registryHost: string | undefined;
  /** Whether AWS is to be reached at its FIPS endpoints, and over IPv6 as well: the AWS SDK's own variables. */
  readonly fips: boolean;
  readonly dualStack: boolean;
  /** Layers that are built at a time. */
  readonly jobs: number;
}

/** The largest size that is taken for a layer or a span, in bytes: 1 TiB. */
const MAX_SIZE = 2 ** 40;
const MAX_VERIFY_SPANS = 1000;

/** Memory at which Lambda gives a function one whole core, in MB. @see AWS Lambda Developer Guide, "Configure memory" */
const MEMORY_OF_A_CORE = 1769;

const HOST = /^(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)*[a-z\d](?:[a-z\d-]*[a-z\d])?(?::\d{1,5})?$/i;
const EVENT_BUS = /^(?:arn:aws[\w-]*:events:[\w-]+:\d{12}:event-bus\/)?[/.\w-]{1,256}$/;

/** @throws FunctionError `ENVIRONMENT_INVALID` */
export function readGeneratorSettings(environment: Environment): GeneratorSettings {
  const variables = new VariableReader(environment);
  const template = variables.optional('soci_output_tag') ?? DEFAULT_OUTPUT_TAG;
  const settings: GeneratorSettings = {
    version: variables.choice('soci_index_version', ['V1', 'V2'], 'V2') === 'V1' ? 1 : 2,
    outputTag: variables.parsed('soci_output_tag', template, parseOutputTag(DEFAULT_OUTPUT_TAG), parseOutputTag),
    minLayerSize: variables.wholeNumber('soci_min_layer_size', DEFAULT_MIN_LAYER_SIZE, 0, MAX_SIZE),
    spanSize: variables.wholeNumber('soci_span_size', 0, 1, MAX_SIZE) || undefined,
    verifySpans: variables.wholeNumber('soci_verify_spans', 4, 0, MAX_VERIFY_SPANS),
    reuseLayers: variables.flag('soci_reuse_layers', true),
    compat: variables.choice('soci_compat', ['soci-cli', 'none'], 'none') === 'soci-cli' ? 'soci-cli' : undefined,
    eventBus: matching(variables, 'soci_event_bus', EVENT_BUS, 'the name or ARN of an event bus'),
    kinds: readEventKinds(variables),
    registryHost: matching(variables, 'soci_registry_host', HOST, 'HOST or HOST:PORT'),
    fips: variables.flag('AWS_USE_FIPS_ENDPOINT', false),
    dualStack: variables.flag('AWS_USE_DUALSTACK_ENDPOINT', false),
    jobs: Math.max(
      1,
      Math.floor(variables.wholeNumber('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 128, 1, 1 << 20) / MEMORY_OF_A_CORE),
    ),
  };
  variables.finish();
  return settings;
}

function matching(variables: VariableReader, name: string, pattern: RegExp, expected: string): string | undefined {
  const value = variables.optional(name);
  return variables.parsed(name, value ?? '', undefined, (text) => {
    if (!pattern.test(text)) throw new Error(`${JSON.stringify(text.slice(0, 80))} is not ${expected}`);
    return text;
  });
}
