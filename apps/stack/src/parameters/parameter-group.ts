import type { SociIndexBuilder, SociIndexBuilderProps } from '@soci/construct';
import { Aws, CfnCondition, type CfnElement, type CfnParameter, type CfnResource, Fn, type Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Parameters of the plain template that the CloudFormation console shows together. */
export interface ParameterGroup {
  /** Heading of the group. */
  readonly label: string;
  /** The parameters with their labels, in the order of the console. */
  readonly parameters: readonly (readonly [parameter: CfnParameter, label: string])[];
  /**
   * Properties of the construct that the parameters set. A resource that depends on a parameter is always created by the
   * construct, and gets a condition in `apply`.
   *
   * @default - none
   */
  readonly props?: SociIndexBuilderProps;
  /**
   * Conditions of IAM actions: the roles of the functions have a permission only if the conditions of its actions hold.
   *
   * @default - none
   */
  readonly permissions?: Readonly<Record<string, CfnCondition>>;
  /** Adds conditions and values to the resources of the construct that its properties cannot express. @default - nothing */
  apply?(builder: SociIndexBuilder): void;
}

/** Creates the metadata of the console: groups and labels. */
export function describeGroups(stack: Stack, groups: readonly ParameterGroup[]): void {
  stack.templateOptions.metadata = {
    'AWS::CloudFormation::Interface': {
      ParameterGroups: groups.map(({ label, parameters }) => ({
        Label: { default: label },
        Parameters: parameters.map(([{ node }]) => node.id),
      })),
      ParameterLabels: Object.fromEntries(
        groups.flatMap(({ parameters }) => parameters.map(([{ node }, label]) => [node.id, { default: label }])),
      ),
    },
  };
}

/** Creates a condition that holds if a parameter has a value. */
export function whenEquals(stack: Stack, id: string, { valueAsString }: CfnParameter, value: string): CfnCondition {
  return new CfnCondition(stack, id, { expression: Fn.conditionEquals(valueAsString, value) });
}

/** Creates a condition that holds unless a parameter has a value. */
export function unlessEquals(stack: Stack, id: string, { valueAsString }: CfnParameter, value: string): CfnCondition {
  return new CfnCondition(stack, id, { expression: Fn.conditionNot(Fn.conditionEquals(valueAsString, value)) });
}

/** Returns a value that CloudFormation omits unless a condition holds. */
export function onlyIf({ logicalId }: CfnCondition, value: unknown): ReturnType<typeof Fn.conditionIf> {
  return Fn.conditionIf(logicalId, value, Aws.NO_VALUE);
}

/** Returns the resources of a type that a construct created. */
export function resourcesOf<Resource extends CfnResource>({ node }: Pick<Construct, 'node'>, type: string): Resource[] {
  const elements = node.findAll() as unknown as (CfnElement & Partial<CfnResource>)[];
  return elements.filter(({ cfnResourceType }) => cfnResourceType === type) as unknown as Resource[];
}
