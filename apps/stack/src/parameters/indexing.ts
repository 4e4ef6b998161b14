import { SociIndexVersion, SociRecompression } from '@soci/construct';
import { CfnParameter, CfnRule, Fn, type Stack } from 'aws-cdk-lib';
import { onlyIf, type ParameterGroup, unlessEquals, whenEquals } from './parameter-group.ts';

/** Span size of `@soci/index`, in bytes. */
const DEFAULT_SPAN_SIZE = '4194304';

/** Minimum layer size of `@soci/index`, in bytes. */
const DEFAULT_MIN_LAYER_SIZE = '10485760';

/** Creates the parameters that select images and describe their indexes. */
export function indexingParameters(stack: Stack): ParameterGroup {
  const filters = new CfnParameter(stack, 'SociRepositoryImageTagFilters', {
    type: 'CommaDelimitedList',
    default: '*:*',
    allowedPattern: FILTER_PATTERN,
    constraintDescription:
      'Each filter must have the form repository:tag, such as prod*:latest. Repository names consist of lower-case letters, digits and . _ - /',
    description:
      'Comma-separated list of SOCI repository image tag filters (repository:tag). Wildcards: * matches any characters, ? one character, [abc] one character of a set. A leading ! excludes the images that a filter matches. "prod*:latest" matches all images tagged latest in repositories that start with prod, "*:*" matches all images of the registry. Only images that are pushed after the stack is created are indexed.',
  });
  const version = new CfnParameter(stack, 'SociIndexVersion', {
    default: 'V2',
    allowedValues: ['V1', 'V2'],
    description:
      'V2 creates a SOCI-enabled image in addition to each image. Deploy the SOCI-enabled image. V1 creates an index that refers to the image.',
  });
  const outputTag = new CfnParameter(stack, 'SociOutputTag', {
    default: '{tag}-soci',
    allowedPattern: OUTPUT_TAG_PATTERN,
    maxLength: MAX_OUTPUT_TAG,
    constraintDescription:
      'Must be none, or contain {tag} or {digest12} and otherwise letters, digits, _ . and -, not starting with . or -. "{tag}" alone would overwrite the tag of the image.',
    description:
      'Tag of the SOCI-enabled image: text with {tag} (tag of the image) or {digest12} (first 12 digits of its digest), or none. Ignored for V1.',
  });
  const recompress = new CfnParameter(stack, 'SociRecompress', {
    default: 'none',
    allowedValues: ['none', 'zstd', 'zstd,tar'],
    description:
      'Layers of the SOCI-enabled image to recompress with gzip, so that they are indexed: zstd, also uncompressed layers (zstd,tar), or none. Only for V2.',
  });
  new CfnRule(stack, 'RecompressionNeedsV2', {
    ruleCondition: Fn.conditionEquals(version.valueAsString, 'V1'),
    assertions: [
      {
        assert: Fn.conditionEquals(recompress.valueAsString, 'none'),
        assertDescription: 'V1 does not change layers: set SociIndexVersion to V2, or SociRecompress to none.',
      },
    ],
  });
  const spanSize = new CfnParameter(stack, 'SociSpanSize', {
    default: DEFAULT_SPAN_SIZE,
    allowedPattern: SPAN_SIZE_PATTERN,
    constraintDescription: 'Must be auto, or a number of bytes.',
    description:
      'Uncompressed bytes of a span, the unit that a runtime fetches. auto: small where the start of a container reads, large elsewhere, following the stored profile or, without one, a prediction. auto was not tested on AWS Fargate.',
  });
  const storedProfile = new CfnParameter(stack, 'SociUseStoredProfile', {
    default: 'false',
    allowedValues: ['false', 'true'],
    description:
      'true: spans follow the profile that "soci-index profile push" stored in the repository; without one, they have the default size. Everyone who may push to the repository may change its profile. Not tested on AWS Fargate.',
  });
  new CfnRule(stack, 'StoredProfileSetsSpanSize', {
    ruleCondition: Fn.conditionEquals(storedProfile.valueAsString, 'true'),
    assertions: [
      {
        assert: Fn.conditionContains([DEFAULT_SPAN_SIZE, 'auto'], spanSize.valueAsString),
        assertDescription: `A stored profile sets the size of spans: set SociSpanSize to ${DEFAULT_SPAN_SIZE} or auto, or SociUseStoredProfile to false.`,
      },
    ],
  });
  const minLayerSize = new CfnParameter(stack, 'SociMinLayerSize', {
    type: 'Number',
    default: DEFAULT_MIN_LAYER_SIZE,
    minValue: 0,
    maxValue: 2 ** 40,
    constraintDescription: 'Must be a number of bytes.',
    description: 'Minimum compressed size of a layer to index, in bytes.',
  });
  // Version 1 creates no tags, so the filter must not exclude images with similar tags.
  const makesNoTags = whenEquals(stack, 'MakesNoTags', version, 'V1');
  return {
    label: 'SOCI Index Builder configuration',
    parameters: [
      [filters, 'SOCI repository image tag filters'],
      [version, 'SOCI index version'],
      [outputTag, 'Tag of SOCI-enabled images'],
      [recompress, 'Layers to recompress'],
      [spanSize, 'Span size'],
      [storedProfile, 'Use stored profiles'],
      [minLayerSize, 'Minimum layer size (bytes)'],
    ],
    props: {
      filters: filters.valueAsList,
      indexVersion: SociIndexVersion.of(version.valueAsString),
      outputTag: Fn.conditionIf(makesNoTags.logicalId, 'none', outputTag.valueAsString).toString(),
      recompress: SociRecompression.of(recompress.valueAsString),
    },
    apply({ generatorFunction }) {
      generatorFunction.addEnvironment('soci_span_size', spanSize.valueAsString);
      generatorFunction.addEnvironment('soci_use_stored_profile', storedProfile.valueAsString);
      const hasMinimum = unlessEquals(stack, 'HasMinLayerSize', minLayerSize, DEFAULT_MIN_LAYER_SIZE);
      generatorFunction.addEnvironment(
        'soci_min_layer_size',
        onlyIf(hasMinimum, minLayerSize.valueAsString).toString(),
      );
    },
  };
}

// Allowed values of the parameters, as regular expressions that work in CloudFormation and JavaScript.

/**
 * One filter. In addition to the filters of AWS's SOCI Index Builder (lower case and `*`), it allows upper case in tags, `?`, sets
 * in brackets, `__` and exclusions. The custom resource reports other errors during deployment.
 */
export const FILTER_PATTERN = '^ *!?[a-z0-9*?\\[\\]!._/-]+:[A-Za-z0-9*?\\[\\]!._-]+ *$';

/** A number of bytes, at most 10^12, or `auto`. */
const SPAN_SIZE_PATTERN = '^(auto|[1-9][0-9]{0,11})$';

/** One character of a tag, or a placeholder. */
const TAG_PART = '([A-Za-z0-9_.-]|[{]tag[}]|[{]digest12[}])';
/** Text before the first placeholder: a tag cannot start with `.` or `-`. */
const LEADING_TEXT = '[A-Za-z0-9_][A-Za-z0-9_.-]*';

/**
 * Matches the values that `parseOutputTag` of `@soci/functions` accepts. Each alternative contains the first placeholder. With
 * `{tag}`, other text is required, because the index would otherwise overwrite the tag of the image.
 */
export const OUTPUT_TAG_PATTERN = [
  '^(none',
  `(${LEADING_TEXT})?[{]digest12[}]${TAG_PART}*`,
  `${LEADING_TEXT}[{]tag[}]${TAG_PART}*`,
  `[{]tag[}]${TAG_PART}+)$`,
].join('|');

/**
 * Maximum length of an output tag. A tag has at most 128 characters, and each `{digest12}` grows by two characters: ten of them
 * and eight more characters make 128.
 */
export const MAX_OUTPUT_TAG = 108;
