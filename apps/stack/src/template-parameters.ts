import type { SociIndexBuilder } from '@soci/construct';
import { Aws, CfnCondition, type CfnElement, CfnParameter, type CfnResource, Fn, type Stack } from 'aws-cdk-lib';
import { DEFAULT_PREFIX, type FunctionKeys } from './function-keys.ts';

/** What the parameters of the plain template come to. */
export interface TemplateParameters {
  readonly filters: readonly string[];
  readonly indexVersion: string;
  readonly outputTag: string;
  readonly memorySize: number;
  /** Has the resources use the rest of them: where the code lies, the boundary of the roles, fixed names. */
  apply(builder: SociIndexBuilder): void;
}

/** MB, as the construct has it. */
const MEMORY = { default: 1769, minValue: 256, maxValue: 10_240 };

/**
 * Makes the parameters, with the groups and labels of AWS's SOCI Index Builder.
 *
 * @param keys - Where the zips lie below the prefix.
 */
export function createParameters(stack: Stack, keys: FunctionKeys): TemplateParameters {
  const filters = new CfnParameter(stack, 'SociRepositoryImageTagFilters', {
    type: 'CommaDelimitedList',
    default: '*:*',
    allowedPattern: FILTER_PATTERN,
    constraintDescription:
      'Each filter is a repository and a tag with a colon between them, such as prod*:latest. Repositories have lower-case letters, digits and . _ - /',
    description:
      'Comma-separated list of SOCI repository image tag filters: repository:tag. Both parts may have * for any characters, ? for one, [abc] for one of a set; ! in front of a filter excludes what it matches. "prod*:latest" matches all images tagged latest in repositories that start with prod, "*:*" all images of the registry. Images that are pushed after this stack is created are indexed.',
  });
  const version = new CfnParameter(stack, 'SociIndexVersion', {
    default: 'V2',
    allowedValues: ['V1', 'V2'],
    description:
      'V2 makes a SOCI-enabled image beside each image, which is what to deploy; V1 an index that refers to the image.',
  });
  const outputTag = new CfnParameter(stack, 'SociOutputTag', {
    default: '{tag}-soci',
    allowedPattern: OUTPUT_TAG_PATTERN,
    maxLength: MAX_OUTPUT_TAG,
    constraintDescription:
      'Letters, digits, _ . and -, the last two not first, with {tag} or {digest12}; or none. "{tag}" alone would take the tag away from the image.',
    description:
      'Tag of a SOCI-enabled image: text with {tag}, the tag of the image, and {digest12}, 12 digits of its digest; or none. V1 makes no such images.',
  });
  const bucket = new CfnParameter(stack, 'QSS3BucketName', {
    allowedPattern: BUCKET_PATTERN,
    minLength: 3,
    maxLength: 63,
    constraintDescription: 'Lower-case letters, numbers, hyphens and dots, beginning and ending in a letter or number.',
    description: 'Name of the S3 bucket that the two zips of the functions lie in.',
  });
  const region = new CfnParameter(stack, 'QSS3BucketRegion', {
    default: '',
    allowedPattern: REGION_PATTERN,
    constraintDescription: 'A Region such as eu-west-1, or nothing.',
    description:
      'Region of that bucket; nothing for the Region of this stack. Lambda takes code from its own Region only: where this is another one, the copy in the bucket NAME-REGION of this Region is taken.',
  });
  const prefix = new CfnParameter(stack, 'QSS3KeyPrefix', {
    default: DEFAULT_PREFIX,
    allowedPattern: PREFIX_PATTERN,
    constraintDescription: 'Folders, each with a slash at its end, none of them . or ..',
    description: 'Folder of the bucket that the zips lie in.',
  });
  const memory = new CfnParameter(stack, 'MemorySize', {
    type: 'Number',
    ...MEMORY,
    constraintDescription: `From ${MEMORY.minValue} to ${MEMORY.maxValue} MB.`,
    description:
      'Memory of the generator in MB. One core comes with 1,769 MB, another with each 1,769 MB more; each builds a layer at a time.',
  });
  const boundary = new CfnParameter(stack, 'IamPermissionsBoundaryArn', {
    default: 'none',
    allowedPattern: BOUNDARY_PATTERN,
    constraintDescription: 'The ARN of an IAM policy, or none.',
    description: 'ARN of an IAM policy that bounds the permissions of every role, or none.',
  });
  const names = new CfnParameter(stack, 'ResourceNames', {
    default: 'generated',
    allowedValues: ['generated', 'fixed'],
    description:
      "fixed: the rule is called ECRImageActionEventBridgeRule, and the function that reads the filters RepositoryNameParsingLambda, as by AWS's SOCI Index Builder; there can be one such stack in a Region. Cannot be changed once the stack is there: CloudFormation replaces no function that a custom resource calls.",
  });
  groupParameters(stack, [
    [
      'SOCI Index Builder configuration',
      [
        [filters, 'SOCI repository image tag filters'],
        [version, 'SOCI index version'],
        [outputTag, 'Tag of SOCI-enabled images'],
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
    memorySize: memory.valueAsNumber,
    apply(builder) {
      applyCode(stack, builder, keys, bucket.valueAsString, region.valueAsString, prefix.valueAsString);
      applyBoundary(stack, builder, boundary.valueAsString);
      applyNames(stack, builder, names.valueAsString);
    },
  };
}

/** None with version 1, which makes no tags: the filter would take tags that end alike for those of indexes. */
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

/** The zips lie in the bucket, under names of their own. */
function applyCode(
  stack: Stack,
  builder: SociIndexBuilder,
  keys: FunctionKeys,
  bucket: string,
  region: string,
  prefix: string,
): void {
  const isHere = new CfnCondition(stack, 'BucketIsInThisRegion', {
    expression: Fn.conditionOr(Fn.conditionEquals(region, ''), Fn.conditionEquals(region, Aws.REGION)),
  });
  const name = Fn.conditionIf(isHere.logicalId, bucket, `${bucket}-${Aws.REGION}`);
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

// What texts the parameters may be, as regular expressions that CloudFormation and JavaScript read alike.

/**
 * One filter: AWS's SOCI Index Builder takes lower case and `*`; upper case in tags, `?`, sets in brackets, `__` and exclusions
 * are taken here. What else is wrong, the custom resource finds when the stack is deployed.
 */
const FILTER_PATTERN = '^ *!?[a-z0-9*?\\[\\]!._/-]+:[A-Za-z0-9*?\\[\\]!._-]+ *$';

/** A name of a bucket. */
const BUCKET_PATTERN = '^[0-9a-z]+([0-9a-z-.]*[0-9a-z])*$';

/** Folders, each with a slash at its end. None has dots alone, as `..` would lead out of the folder that a package is written to. */
export const PREFIX_PATTERN = "^([.]*[0-9a-zA-Z!_*'()-][0-9a-zA-Z!_.*'()-]*/)*$";

/** A Region, or nothing. */
const REGION_PATTERN = '^([a-z]+(-[a-z]+)+-[0-9]{1,2})?$';

/** The ARN of a policy of IAM, or `none`. */
export const BOUNDARY_PATTERN = '^(none|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]+)$';

/** Text in tags, and placeholders. */
const REST_OF_TAG = '([A-Za-z0-9_.-]|[{]tag[}]|[{]digest12[}])';
const TEXT_FIRST = '[A-Za-z0-9_][A-Za-z0-9_.-]*';

/**
 * What `parseOutputTag` of `@soci/functions` takes: text with a placeholder, which is the first of them here; with `{tag}`
 * something besides, or the tag would be taken from the image itself.
 */
const OUTPUT_TAG_PATTERN = [
  '^(none',
  `(${TEXT_FIRST})?[{]digest12[}]${REST_OF_TAG}*`,
  `${TEXT_FIRST}[{]tag[}]${REST_OF_TAG}*`,
  `[{]tag[}]${REST_OF_TAG}+)$`,
].join('|');

/**
 * Characters of a template for tags. A tag has 128, and each `{digest12}` is two longer than it is written: with ten of them, and
 * eight more characters, it is full.
 */
const MAX_OUTPUT_TAG = 108;
