import { DEFAULT_OUTPUT_TAG, type EcrEventKind, type Filters, parseFilters, parseOutputTag } from '@soci/filter';
import { quoteText } from '@soci/oci';
import { type Environment, readEventKinds, readMemberAccounts, readQueueUrl, VariableReader } from './variables.ts';

/**
 * Environment variables of the filter function. An empty variable counts as unset.
 */
export interface FilterEnvironment {
  /** Images to index: comma-separated `repository:tag` filters. @see `parseFilters` of `@soci/filter` */
  readonly soci_repository_image_tag_filters: string;
  /** ARN of the generator. */
  readonly soci_index_generator_lambda_arn: string;
  /** URL of the Amazon SQS queue that gets the events. @default - the generator is invoked asynchronously */
  readonly soci_queue_url?: string;
  /** Output tag of the generator. Images with such tags are excluded. @default '{tag}-soci' */
  readonly soci_output_tag?: string;
  /** Comma-separated kinds of events to accept: `push`, `replication`, `pull-through-cache`. @default 'push' */
  readonly soci_event_kinds?: string;
  /** Comma-separated ids of further accounts whose events are accepted. @default - only the account of the function */
  readonly soci_member_accounts?: string;
  /** Whether to index untagged images. @default 'false' */
  readonly soci_index_untagged?: 'true' | 'false';
}

/**
 * Maximum length of the filters, in characters. All environment variables of a function have at most 4,096 bytes, and the other
 * variables of the filter function need up to 700. @see AWS Lambda Developer Guide, "Lambda quotas"
 */
export const MAX_FILTERS_LENGTH = 3396;

/** Settings of the filter function. */
export interface FilterSettings {
  readonly filters: Filters;
  readonly generatorArn: string;
  /** Queue that gets the events. Undefined if the generator is invoked asynchronously. */
  readonly queueUrl: string | undefined;
  readonly kinds: readonly EcrEventKind[];
  readonly memberAccounts: readonly string[];
  readonly untagged: boolean;
}

/** The ARN may end with a version or alias. @see AWS Lambda API Reference, "Invoke", FunctionName */
const FUNCTION_ARN =
  /^arn:aws[a-z-]*:lambda:[a-z]+(?:-[a-z]+)+-\d{1,2}:\d{12}:function:[\w-]{1,64}(?::[\w$-]{1,128})?$/;

/** Reads the settings from the environment. @throws FunctionError `ENVIRONMENT_INVALID` with all faults. */
export function readFilterSettings(environment: Environment): FilterSettings {
  const variables = new VariableReader(environment);
  const text = variables.required('soci_repository_image_tag_filters', 'repository:tag, separated by commas');
  const arn = variables.required('soci_index_generator_lambda_arn', 'the ARN of a Lambda function').trim();
  const outputTag = variables.optional('soci_output_tag') ?? DEFAULT_OUTPUT_TAG;
  const none: Filters = { include: [], exclude: [] };
  const filters = variables.parsed('soci_repository_image_tag_filters', text.trim(), none, parseFilters);
  const output = variables.parsed('soci_output_tag', outputTag, none, (template) => {
    const { outputFilter } = parseOutputTag(template);
    return outputFilter === undefined ? none : parseFilters(outputFilter);
  });
  variables.parsed('soci_index_generator_lambda_arn', arn, undefined, (value) => {
    if (!FUNCTION_ARN.test(value)) throw new Error(`${quoteText(value)} is not the ARN of a Lambda function`);
  });
  const queueUrl = readQueueUrl(variables);
  const kinds = readEventKinds(variables);
  const memberAccounts = readMemberAccounts(variables);
  const untagged = variables.flag('soci_index_untagged', false);
  variables.finish();
  return {
    // Always exclude the tags that the generator sets.
    filters: { include: filters.include, exclude: [...filters.exclude, ...output.include] },
    generatorArn: arn,
    queueUrl,
    kinds,
    memberAccounts,
    untagged,
  };
}
