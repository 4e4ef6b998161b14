import { SociIndexBuilder, type SociIndexBuilderProps } from '@soci/construct';
import { type CfnElement, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
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
  /** Returns the properties of the construct. @default - its defaults, or the template parameters */
  readonly props?: (stack: Stack) => SociIndexBuilderProps;
  /** Creates the parameters of the plain template. @default - no parameters */
  readonly parameters?: (stack: Stack) => TemplateParameters;
}

/** Stack with the construct, for `cdk deploy` and for the plain template. */
export class SociIndexBuilderStack extends Stack {
  readonly builder: SociIndexBuilder;

  constructor(scope: Construct, id: string, props: SociIndexBuilderStackProps = {}) {
    super(scope, id, props);
    const parameters = props.parameters?.(this);
    this.builder = new SociIndexBuilder(this, 'SociIndexBuilder', {
      ...props.props?.(this),
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
