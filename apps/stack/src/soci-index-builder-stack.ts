import { SociIndexBuilder, SociIndexVersion } from '@soci/construct';
import { type CfnElement, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { TemplateParameters } from './template-parameters.ts';

/** Names that resources have in the template: those of AWS's SOCI Index Builder, whose permissions to deploy name them. */
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
  /** Which images are indexed: `repository:tag`. @default - the parameter, where there is one; else every image */
  readonly filters?: readonly string[];
  /** What is made, `V1` or `V2`. @default - the parameter, where there is one; else `V2` */
  readonly indexVersion?: string;
  /** Tag of a SOCI-enabled image, with `{tag}` or `{digest12}`. @default - the parameter, where there is one; else `{tag}-soci` */
  readonly outputTag?: string;
  /** Memory of the generator in MB. @default - the parameter, where there is one; else 1769 */
  readonly memorySize?: number;
  /** Policy that bounds the permissions of every role. @default - the parameter, where there is one; else none */
  readonly permissionsBoundaryArn?: string;
  /** Makes the parameters of a template that stands alone. @default - there are none */
  readonly parameters?: (stack: Stack) => TemplateParameters;
}

/** The construct in a stack: what `cdk deploy` deploys, and what the plain template is made of. */
export class SociIndexBuilderStack extends Stack {
  readonly builder: SociIndexBuilder;

  constructor(scope: Construct, id: string, props: SociIndexBuilderStackProps = {}) {
    super(scope, id, props);
    const parameters = props.parameters?.(this);
    const { filters, indexVersion, outputTag, memorySize } = parameters ?? props;
    const { permissionsBoundaryArn } = props;
    this.builder = new SociIndexBuilder(this, 'SociIndexBuilder', {
      ...(filters && { filters: [...filters] }),
      ...(indexVersion !== undefined && { indexVersion: SociIndexVersion.of(indexVersion) }),
      ...(outputTag !== undefined && { outputTag }),
      ...(memorySize !== undefined && { memorySize }),
      ...(permissionsBoundaryArn !== undefined && {
        permissionsBoundary: ManagedPolicy.fromManagedPolicyArn(this, 'Boundary', permissionsBoundaryArn),
      }),
    });
    keepNames(this.builder);
    parameters?.apply(this.builder);
    const output = (id: string, value: string, description: string) => new CfnOutput(this, id, { value, description });
    const filtering = this.builder.filterFunction.functionName;
    const generator = this.builder.generatorFunction.functionName;
    output('EventBridgeRule', this.builder.rule.ruleName, 'Rule that lets in pushes of images.');
    output('FilteringFunction', filtering, 'Function that compares images with the filters.');
    output('GeneratorFunction', generator, 'Function that builds and pushes SOCI indexes.');
    output('GeneratorLogGroup', `/aws/lambda/${generator}`, 'Log group that tells what became of each image.');
  }
}

function keepNames(builder: SociIndexBuilder): void {
  for (const id of LOGICAL_IDS) {
    const element = builder.node.tryFindChild(id)?.node.defaultChild as CfnElement | undefined;
    element?.overrideLogicalId(id);
  }
}
