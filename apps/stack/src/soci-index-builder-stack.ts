import { SociIndexBuilder, SociIndexVersion, SociRecompression } from '@soci/construct';
import { type CfnElement, CfnOutput, Size, Stack, type StackProps } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { TemplateParameters } from './template-parameters.ts';

/** Logical ids of AWS's SOCI Index Builder. IAM policies for its deployment contain them. */
const LOGICAL_IDS = [
  'ECRImageActionEventBridgeRule',
  'ECRImageActionEventFilteringLambda',
  'ECRImageActionEventFilteringLambdaRole',
  'ECRImageActionEventFilteringLambdaCloudwatchPolicy',
  'ECRImageActionEventFilteringLambdaInvokeSociIndexGeneratorLambdaPolicy',
  'SociIndexGeneratorLambda',
  'SociIndexGeneratorLambdaRole',
  'SociIndexGeneratorLambdaCloudwatchPolicy',
  'SociIndexGeneratorLambdaECRRepositoryPolicy',
  'SociIndexGeneratorLambdaECRTokenPolicy',
  'RepositoryNameParsingLambda',
  'RepositoryNameParsingLambdaRole',
  'RepositoryNameParsingLambdaCloudwatchPolicy',
  'InvokeRepositoryNameParsingLambda',
];

/** Properties of {@link SociIndexBuilderStack}. */
export interface SociIndexBuilderStackProps extends StackProps {
  /** `repository:tag` filters of the images to index. @default - the template parameter, or all images */
  readonly filters?: readonly string[];
  /** Index version, `V1` or `V2`. @default - the template parameter, or `V2` */
  readonly indexVersion?: string;
  /** Tag of the SOCI-enabled image, with `{tag}` or `{digest12}`. @default - the template parameter, or `{tag}-soci` */
  readonly outputTag?: string;
  /** Layers to recompress: `zstd`, `zstd,tar`, or `none`. @default - the template parameter, or `none` */
  readonly recompress?: string;
  /** Uncompressed bytes of a span, or `auto`. @default - the template parameter, or 4 MiB */
  readonly spanSize?: string;
  /** Whether spans follow the stored profile. @default - the template parameter, or false */
  readonly useStoredProfile?: boolean;
  /** Memory of the generator in MB. @default - the template parameter, or 1769 */
  readonly memorySize?: number;
  /** ARN of the permissions boundary of every role. @default - the template parameter, or none */
  readonly permissionsBoundaryArn?: string;
  /** Creates the parameters of the plain template. @default - no parameters */
  readonly parameters?: (stack: Stack) => TemplateParameters;
}

/** Stack with the construct, for `cdk deploy` and for the plain template. */
export class SociIndexBuilderStack extends Stack {
  readonly builder: SociIndexBuilder;

  constructor(scope: Construct, id: string, props: SociIndexBuilderStackProps = {}) {
    super(scope, id, props);
    const parameters = props.parameters?.(this);
    const { filters, indexVersion, outputTag, recompress, memorySize } = props;
    const { permissionsBoundaryArn, spanSize, useStoredProfile } = props;
    this.builder = new SociIndexBuilder(this, 'SociIndexBuilder', {
      ...(filters && { filters: [...filters] }),
      ...(indexVersion !== undefined && { indexVersion: SociIndexVersion.of(indexVersion) }),
      ...(outputTag !== undefined && { outputTag }),
      ...(recompress !== undefined && { recompress: SociRecompression.of(recompress) }),
      ...(spanSize === 'auto' && { autoSpanSize: true }),
      ...(spanSize !== undefined && spanSize !== 'auto' && { spanSize: Size.bytes(Number(spanSize)) }),
      ...(useStoredProfile !== undefined && { useStoredProfile }),
      ...(memorySize !== undefined && { memorySize }),
      ...(permissionsBoundaryArn !== undefined && {
        permissionsBoundary: ManagedPolicy.fromManagedPolicyArn(this, 'Boundary', permissionsBoundaryArn),
      }),
      ...parameters?.props,
    });
    overrideLogicalIds(this.builder);
    const output = (id: string, value: string, description: string) => new CfnOutput(this, id, { value, description });
    const filtering = this.builder.filterFunction.functionName;
    const generator = this.builder.generatorFunction.functionName;
    output('EventBridgeRule', this.builder.rule.ruleName, 'Rule that matches pushes of images.');
    output('FilteringFunction', filtering, 'Function that compares images with the filters.');
    output('GeneratorFunction', generator, 'Function that builds and pushes SOCI indexes.');
    output('GeneratorLogGroup', `/aws/lambda/${generator}`, 'Log group with the outcome of each image.');
    parameters?.apply(this.builder);
  }
}

function overrideLogicalIds(builder: SociIndexBuilder): void {
  for (const id of LOGICAL_IDS) {
    const element = builder.node.tryFindChild(id)?.node.defaultChild as CfnElement | undefined;
    element?.overrideLogicalId(id);
  }
}
