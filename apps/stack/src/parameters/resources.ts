import type { SociIndexBuilder } from '@soci/construct';
import { Aws, CfnCondition, CfnOutput, CfnParameter, type CfnResource, Fn, type Stack } from 'aws-cdk-lib';
import { DEFAULT_PREFIX, type FunctionKeys } from '../function-keys.ts';
import { onlyIf, type ParameterGroup, resourcesOf, whenEquals } from './parameter-group.ts';

/**
 * Creates the parameters for the code and the names of the functions.
 *
 * @param keys - S3 keys of the zips, relative to the key prefix.
 */
export function resourceParameters(stack: Stack, keys: FunctionKeys): ParameterGroup {
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
  const names = new CfnParameter(stack, 'ResourceNames', {
    default: 'generated',
    allowedValues: ['generated', 'fixed'],
    description:
      "generated: CloudFormation generates all names. fixed: the rule is named ECRImageActionEventBridgeRule and the name parsing function RepositoryNameParsingLambda, as in AWS's SOCI Index Builder. Only one stack with fixed names can exist in a Region. Cannot be changed after the stack is created.",
  });
  return {
    label: 'CloudFormation resource configuration',
    parameters: [
      [bucket, 'S3 bucket name'],
      [region, 'S3 bucket Region'],
      [prefix, 'S3 key prefix'],
      [names, 'Resource names'],
    ],
    apply(builder) {
      applyCode(stack, builder, keys, bucket.valueAsString, region.valueAsString, prefix.valueAsString);
      applyNames(builder, whenEquals(stack, 'UseFixedNames', names, 'fixed'));
      // The output of AWS's SOCI Index Builder, for stacks that import it.
      new CfnOutput(stack, 'ExportsStackName', {
        value: Aws.STACK_NAME,
        exportName: `ExportsStackName-${Aws.STACK_NAME}`,
      });
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

function applyNames(builder: SociIndexBuilder, isFixed: CfnCondition): void {
  const fixed = (name: string) => onlyIf(isFixed, name);
  const [rule] = resourcesOf(builder, 'AWS::Events::Rule');
  rule?.addPropertyOverride('Name', fixed('ECRImageActionEventBridgeRule'));
  const parsing = builder.node.tryFindChild('RepositoryNameParsingLambda')?.node.defaultChild;
  (parsing as CfnResource | undefined)?.addPropertyOverride('FunctionName', fixed('RepositoryNameParsingLambda'));
}

// Allowed values of the parameters, as regular expressions that work in CloudFormation and JavaScript.

/** A bucket name. */
export const BUCKET_PATTERN = '^[0-9a-z]+([0-9a-z-.]*[0-9a-z])*$';

/** Folders that end with a slash. A folder cannot consist of dots only, because `..` would leave the output folder. */
export const PREFIX_PATTERN = "^([.]*[0-9a-zA-Z!_*'()-][0-9a-zA-Z!_.*'()-]*/)*$";

/** A Region, or an empty string. */
const REGION_PATTERN = '^([a-z]+(-[a-z]+)+-[0-9]{1,2})?$';
