import type { SociIndexBuilder } from '@soci/construct';
import {
  Aws,
  CfnCondition,
  type CfnElement,
  CfnParameter,
  type CfnResource,
  CfnRule,
  Fn,
  type Stack,
} from 'aws-cdk-lib';
import { DEFAULT_PREFIX, type FunctionKeys } from './function-keys.ts';

/** Values of the template parameters, as tokens. */
export interface TemplateParameters {
  readonly filters: readonly string[];
  readonly indexVersion: string;
  readonly outputTag: string;
  readonly recompress: string;
  readonly memorySize: number;
  /** Applies the other parameters to the resources: location of the code, permissions boundary, fixed names, span size. */
  apply(builder: SociIndexBuilder): void;
}

/** Span size of `@soci/index`, in bytes. */
const DEFAULT_SPAN_SIZE = '4194304';

/** Default and limits of the memory size, in MB. The limits are those of the construct. */
const MEMORY = { default: 1769, minValue: 256, maxValue: 10_240 };

/**
 * Creates the parameters, with the groups and labels of AWS's SOCI Index Builder.
 *
 * @param keys - S3 keys of the zips, relative to the key prefix.
 */
export function createParameters(stack: Stack, keys: FunctionKeys): TemplateParameters {
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
        assertDescription: `A stored profile sets the size of spans: set SociSpanSize to ${DEFAULT_SPAN_SIZE}, or SociUseStoredProfile to false.`,
      },
    ],
  });
  const bucket = new CfnParameter(stack, 'QSS3BucketName', {
    allowedPattern: BUCKET_PATTERN,
    minLength: 3,
    maxLength: 63,
    constraintDescription:
      'Must consist of lower-case letters, numbers, hyphens and dots, and start and end with a letter or number.',
    description: 'Name of the S3 bucket that contains the zips of the functions.',
  });
  const region = new CfnParameter(stack, 'QSS3BucketRegion', {
    default: '',
    allowedPattern: REGION_PATTERN,
    constraintDescription: 'Must be a Region such as eu-west-1, or empty.',
    description:
      'Region of the bucket. Leave it empty if it is the Region of the stack. Lambda reads code only from its own Region. If the bucket is in another Region, the stack uses the copy in the bucket NAME-REGION of the stack Region.',
  });
  const prefix = new CfnParameter(stack, 'QSS3KeyPrefix', {
    default: DEFAULT_PREFIX,
    allowedPattern: PREFIX_PATTERN,
    constraintDescription:
      'Must be empty, or consist of folders that end with a slash. The folders . and .. are not allowed.',
    description: 'Key prefix of the zips in the bucket.',
  });
  const memory = new CfnParameter(stack, 'MemorySize', {
    type: 'Number',
    ...MEMORY,
    constraintDescription: `Must be from ${MEMORY.minValue} to ${MEMORY.maxValue} MB.`,
    description:
      'Memory of the generator in MB. Lambda allocates one vCPU for each 1,769 MB. The generator builds one layer for each vCPU at the same time.',
  });
  const boundary = new CfnParameter(stack, 'IamPermissionsBoundaryArn', {
    default: 'none',
    allowedPattern: BOUNDARY_PATTERN,
    constraintDescription: 'Must be the ARN of an IAM policy, or none.',
    description: 'ARN of the permissions boundary for every role, or none.',
  });
  const names = new CfnParameter(stack, 'ResourceNames', {
    default: 'generated',
    allowedValues: ['generated', 'fixed'],
    description:
      "generated: CloudFormation generates all names. fixed: the rule is named ECRImageActionEventBridgeRule and the name parsing function RepositoryNameParsingLambda, as in AWS's SOCI Index Builder. Only one stack with fixed names can exist in a Region. Cannot be changed after the stack is created.",
  });
  groupParameters(stack, [
    [
      'SOCI Index Builder configuration',
      [
        [filters, 'SOCI repository image tag filters'],
        [version, 'SOCI index version'],
        [outputTag, 'Tag of SOCI-enabled images'],
        [recompress, 'Layers to recompress'],
        [spanSize, 'Span size'],
        [storedProfile, 'Use stored profiles'],
      ],
    ],
    [
      'CloudFormation resource configuration',
      [
        [bucket, 'S3 bucket name'],
        [region, 'S3 bucket Region'],
        [prefix, 'S3 key prefix'],
        [memory, 'Memory of the generator (MB)'],
        [names, 'Resource names'],
      ],
    ],
    ['AWS IAM settings', [[boundary, 'IAM permissions boundary (optional)']]],
  ]);
  return {
    filters: filters.valueAsList,
    indexVersion: version.valueAsString,
    outputTag: outputTagOf(stack, version.valueAsString, outputTag.valueAsString),
    recompress: recompress.valueAsString,
    memorySize: memory.valueAsNumber,
    apply(builder) {
      applyCode(stack, builder, keys, bucket.valueAsString, region.valueAsString, prefix.valueAsString);
      applyBoundary(stack, builder, boundary.valueAsString);
      applyNames(stack, builder, names.valueAsString);
      builder.generatorFunction.addEnvironment('soci_span_size', spanSize.valueAsString);
      builder.generatorFunction.addEnvironment('soci_use_stored_profile', storedProfile.valueAsString);
    },
  };
}

/** Returns `none` for version 1. It creates no tags, so the filter must not exclude images with similar tags. */
function outputTagOf(stack: Stack, version: string, outputTag: string): string {
  const isV1 = new CfnCondition(stack, 'MakesNoTags', { expression: Fn.conditionEquals(version, 'V1') });
  return Fn.conditionIf(isV1.logicalId, 'none', outputTag).toString();
}

function groupParameters(
  stack: Stack,
  groups: readonly (readonly [label: string, parameters: readonly (readonly [CfnParameter, string])[]])[],
): void {
  const labels = groups.flatMap(([, parameters]) =>
    parameters.map(([{ node }, label]) => [node.id, { default: label }]),
  );
  stack.templateOptions.metadata = {
    'AWS::CloudFormation::Interface': {
      ParameterGroups: groups.map(([label, parameters]) => ({
        Label: { default: label },
        Parameters: parameters.map(([parameter]) => parameter.node.id),
      })),
      ParameterLabels: Object.fromEntries(labels),
    },
  };
}

/** Sets the location of the zips. */
function applyCode(
  stack: Stack,
  builder: SociIndexBuilder,
  keys: FunctionKeys,
  bucket: string,
  region: string,
  prefix: string,
): void {
  const isSameRegion = new CfnCondition(stack, 'BucketIsInThisRegion', {
    expression: Fn.conditionOr(Fn.conditionEquals(region, ''), Fn.conditionEquals(region, Aws.REGION)),
  });
  const name = Fn.conditionIf(isSameRegion.logicalId, bucket, `${bucket}-${Aws.REGION}`);
  const setCode = ({ node }: SociIndexBuilder['filterFunction'], key: string) =>
    (node.defaultChild as CfnResource).addPropertyOverride('Code', { S3Bucket: name, S3Key: `${prefix}${key}` });
  setCode(builder.filterFunction, keys.filter);
  setCode(builder.generatorFunction, keys.generator);
}

function applyBoundary(stack: Stack, builder: SociIndexBuilder, boundary: string): void {
  const condition = new CfnCondition(stack, 'UsePermissionsBoundary', {
    expression: Fn.conditionNot(Fn.conditionEquals(boundary, 'none')),
  });
  for (const resource of resourcesOf(builder, 'AWS::IAM::Role')) {
    resource.addPropertyOverride('PermissionsBoundary', Fn.conditionIf(condition.logicalId, boundary, Aws.NO_VALUE));
  }
}

function applyNames(stack: Stack, builder: SociIndexBuilder, names: string): void {
  const condition = new CfnCondition(stack, 'UseFixedNames', { expression: Fn.conditionEquals(names, 'fixed') });
  const fixed = (name: string) => Fn.conditionIf(condition.logicalId, name, Aws.NO_VALUE);
  const [rule] = resourcesOf(builder, 'AWS::Events::Rule');
  rule?.addPropertyOverride('Name', fixed('ECRImageActionEventBridgeRule'));
  const parsing = builder.node.tryFindChild('RepositoryNameParsingLambda')?.node.defaultChild;
  (parsing as CfnResource | undefined)?.addPropertyOverride('FunctionName', fixed('RepositoryNameParsingLambda'));
}

function resourcesOf(builder: SociIndexBuilder, type: string): CfnResource[] {
  const elements = builder.node.findAll() as unknown as (CfnElement & Partial<CfnResource>)[];
  return elements.filter(({ cfnResourceType }) => cfnResourceType === type) as CfnResource[];
}

// Allowed values of the parameters, as regular expressions that work in CloudFormation and JavaScript.

/**
 * One filter. In addition to the filters of AWS's SOCI Index Builder (lower case and `*`), it allows upper case in tags, `?`, sets
 * in brackets, `__` and exclusions. The custom resource reports other
 * errors during deployment.
 */
const FILTER_PATTERN = '^ *!?[a-z0-9*?\\[\\]!._/-]+:[A-Za-z0-9*?\\[\\]!._-]+ *$';

/** A number of bytes, at most 10^12, or `auto`. */
const SPAN_SIZE_PATTERN = '^(auto|[1-9][0-9]{0,11})$';

/** A bucket name. */
const BUCKET_PATTERN = '^[0-9a-z]+([0-9a-z-.]*[0-9a-z])*$';

/** Folders that end with a slash. A folder cannot consist of dots only, because `..` would leave the output folder. */
export const PREFIX_PATTERN = "^([.]*[0-9a-zA-Z!_*'()-][0-9a-zA-Z!_.*'()-]*/)*$";

/** A Region, or an empty string. */
const REGION_PATTERN = '^([a-z]+(-[a-z]+)+-[0-9]{1,2})?$';

/** The ARN of an IAM policy, or `none`. */
export const BOUNDARY_PATTERN = '^(none|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]+)$';

/** One character of a tag, or a placeholder. */
const TAG_PART = '([A-Za-z0-9_.-]|[{]tag[}]|[{]digest12[}])';
/** Text before the first placeholder: a tag cannot start with `.` or `-`. */
const LEADING_TEXT = '[A-Za-z0-9_][A-Za-z0-9_.-]*';

/**
 * Matches the values that `parseOutputTag` of `@soci/functions` accepts. Each alternative contains the first placeholder. With
 * `{tag}`, other text is required, because the index would otherwise overwrite the tag of the image.
 */
const OUTPUT_TAG_PATTERN = [
  '^(none',
  `(${LEADING_TEXT})?[{]digest12[}]${TAG_PART}*`,
  `${LEADING_TEXT}[{]tag[}]${TAG_PART}*`,
  `[{]tag[}]${TAG_PART}+)$`,
].join('|');

/**
 * Maximum length of an output tag. A tag has at most 128 characters, and each `{digest12}` grows by two characters: ten of them
 * and eight more characters make 128.
 */
const MAX_OUTPUT_TAG = 108;
