import type { SociIndexBuilder, SociIndexBuilderProps } from '@soci/construct';
import { CfnCondition, type CfnElement, type CfnParameter, type CfnResource, Fn, type Stack } from 'aws-cdk-lib';

/** Parameters of the plain template that the CloudFormation console shows together. */
export interface ParameterGroup {
  /** Heading of the group. */
  readonly label: string;
  /** The parameters with their labels, in the order of the console. */
  readonly parameters: readonly (readonly [parameter: CfnParameter, label: string])[];
  /** Properties of the construct that the parameters set, as tokens. @default - none */
  readonly props?: SociIndexBuilderProps;
  /** Applies to the resources of the construct what its properties cannot express, such as conditions. @default - nothing */
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

/** Returns the resources of a type that the construct created. */
export function resourcesOf(builder: SociIndexBuilder, type: string): CfnResource[] {
  const elements = builder.node.findAll() as unknown as (CfnElement & Partial<CfnResource>)[];
  return elements.filter(({ cfnResourceType }) => cfnResourceType === type) as CfnResource[];
}
