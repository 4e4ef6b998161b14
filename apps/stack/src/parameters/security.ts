import { Aws, CfnParameter, Fn, type Stack } from 'aws-cdk-lib';
import { type ParameterGroup, resourcesOf, unlessEquals } from './parameter-group.ts';

/** The ARN of an IAM policy, or `none`. */
export const BOUNDARY_PATTERN = '^(none|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]+)$';

/** Creates the parameters for IAM. */
export function securityParameters(stack: Stack): ParameterGroup {
  const boundary = new CfnParameter(stack, 'IamPermissionsBoundaryArn', {
    default: 'none',
    allowedPattern: BOUNDARY_PATTERN,
    constraintDescription: 'Must be the ARN of an IAM policy, or none.',
    description: 'ARN of the permissions boundary for every role, or none.',
  });
  return {
    label: 'AWS IAM settings',
    parameters: [[boundary, 'IAM permissions boundary (optional)']],
    apply(builder) {
      const { logicalId } = unlessEquals(stack, 'UsePermissionsBoundary', boundary, 'none');
      for (const role of resourcesOf(builder, 'AWS::IAM::Role')) {
        role.addPropertyOverride(
          'PermissionsBoundary',
          Fn.conditionIf(logicalId, boundary.valueAsString, Aws.NO_VALUE),
        );
      }
    },
  };
}
