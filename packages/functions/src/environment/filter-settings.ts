import { type EcrEventKind, type Filters, parseFilters } from '@soci/filter';
import { DEFAULT_OUTPUT_TAG, parseOutputTag } from './output-tag.ts';
import { type Environment, readEventKinds, VariableReader } from './variables.ts';

/**
 * The environment variables of the filtering function. Those without a question mark must be set; an empty one is as good
 * as absent.
 */
export interface FilterEnvironment {
  /** Which images are indexed: `repository:tag`, separated by commas. @see `parseFilters` of `@soci/filter` */
  readonly soci_repository_image_tag_filters: string;
  /** ARN of the generator. */
  readonly soci_index_generator_lambda_arn: string;
  /** What the generator calls its images, so that none of them is taken for a user's. @default '{tag}-soci' */
  readonly soci_output_tag?: string;
  /** Kinds of event that are taken, separated by commas: `push`, `replication`, `pull-through-cache`. @default 'push' */
  readonly soci_event_kinds?: string;
  /** Whether images without a tag are indexed too: `true` or `false`. @default 'false' */
  readonly soci_index_untagged?: 'true' | 'false';
}

/**
 * Characters of filters that the filtering function has room for: its variables have 4,096 bytes together, and those that are not
 * the filters take at most some 700. @see AWS Lambda Developer Guide, "Lambda quotas"
 */
export const FILTERS_ROOM = 3396;

/** What the filtering function goes by. */
export interface FilterSettings {
  readonly filters: Filters;
  readonly generatorArn: string;
  readonly kinds: readonly EcrEventKind[];
  readonly untagged: boolean;
}

/** A qualifier, a version or an alias, may follow the name. @see AWS Lambda API Reference, "Invoke", FunctionName */
const FUNCTION_ARN =
  /^arn:aws[a-z-]*:lambda:[a-z]+(?:-[a-z]+)+-\d{1,2}:\d{12}:function:[\w-]{1,64}(?::[\w$-]{1,128})?$/;

/** @throws FunctionError `ENVIRONMENT_INVALID` */
export function readFilterSettings(environment: Environment): FilterSettings {
  const variables = new VariableReader(environment);
  const text = variables.required('soci_repository_image_tag_filters', 'repository:tag, separated by commas');
  const arn = variables.required('soci_index_generator_lambda_arn', 'the ARN of a Lambda function').trim();
  const outputTag = variables.optional('soci_output_tag') ?? DEFAULT_OUTPUT_TAG;
  const nothing: Filters = { include: [], exclude: [] };
  const filters = variables.parsed('soci_repository_image_tag_filters', text.trim(), nothing, parseFilters);
  const own = variables.parsed('soci_output_tag', outputTag, nothing, (template) => {
    const { ownFilter } = parseOutputTag(template);
    return ownFilter === undefined ? nothing : parseFilters(ownFilter);
  });
  variables.parsed('soci_index_generator_lambda_arn', arn, undefined, (value) => {
    if (!FUNCTION_ARN.test(value))
      throw new Error(`${JSON.stringify(value.slice(0, 80))} is no ARN of a Lambda function`);
  });
  const kinds = readEventKinds(variables);
  const untagged = variables.flag('soci_index_untagged', false);
  variables.finish();
  return {
    // The images that the generator pushes bear tags too: they are excluded whatever the filters say.
    filters: { include: filters.include, exclude: [...filters.exclude, ...own.include] },
    generatorArn: arn,
    kinds,
    untagged,
  };
}
