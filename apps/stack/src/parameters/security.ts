import { Aws, CfnCondition, CfnParameter, CfnRule, Fn, type Stack } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { onlyIf, type ParameterGroup, resourcesOf, unlessEquals } from './parameter-group.ts';

/** The ARN of an IAM policy, or `none`. */
export const BOUNDARY_PATTERN = '^(none|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]+)$';

/** Comma-separated ids of subnets and of security groups, or an empty string. */
export const SUBNETS_PATTERN = '^(subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*)?$';
export const GROUPS_PATTERN = '^(sg-[0-9a-f]+(,sg-[0-9a-f]+)*)?$';

/** The ARN of a KMS key, or `none`. */
export const KEY_PATTERN = '^(none|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)$';

/** Creates the parameter for the permissions boundary. */
export function boundaryParameter(stack: Stack): CfnParameter {
  return new CfnParameter(stack, 'IamPermissionsBoundaryArn', {
    default: 'none',
    allowedPattern: BOUNDARY_PATTERN,
    constraintDescription: 'Must be the ARN of an IAM policy, or none.',
    description: 'ARN of the permissions boundary for every role, or none.',
  });
}

/** Sets the permissions boundary of all roles of a construct if the parameter has a value. */
export function applyBoundary(stack: Stack, created: Pick<Construct, 'node'>, boundary: CfnParameter): void {
  const isSet = unlessEquals(stack, 'UsePermissionsBoundary', boundary, 'none');
  for (const role of resourcesOf(created, 'AWS::IAM::Role')) {
    role.addPropertyOverride('PermissionsBoundary', onlyIf(isSet, boundary.valueAsString));
  }
}

/** Creates the parameters for IAM, the network and encryption. */
export function securityParameters(stack: Stack): ParameterGroup {
  const boundary = boundaryParameter(stack);
  const subnets = new CfnParameter(stack, 'SubnetIds', {
    default: '',
    allowedPattern: SUBNETS_PATTERN,
    constraintDescription: 'Must be a comma-separated list of subnet ids, or empty.',
    description:
      'Comma-separated ids of the subnets of a VPC in which the generator runs. Without internet access, they need interface endpoints for ecr.api and ecr.dkr, and a gateway endpoint for Amazon S3. Empty: no VPC.',
  });
  const groups = new CfnParameter(stack, 'SecurityGroupIds', {
    default: '',
    allowedPattern: GROUPS_PATTERN,
    constraintDescription: 'Must be a comma-separated list of security group ids, or empty.',
    description: 'Comma-separated ids of the security groups of the generator in the VPC.',
  });
  const key = new CfnParameter(stack, 'KmsKeyArn', {
    default: 'none',
    allowedPattern: KEY_PATTERN,
    constraintDescription: 'Must be the ARN of a KMS key, or none.',
    description:
      'ARN of the KMS key for the environment variables of the functions and for the dead-letter queue, or none: keys that AWS manages. With a dead-letter queue, the key policy must allow events.amazonaws.com to use kms:Decrypt and kms:GenerateDataKey.',
  });
  const isEmpty = ({ valueAsString }: CfnParameter) => Fn.conditionEquals(valueAsString, '');
  new CfnRule(stack, 'VpcNeedsSubnetsAndSecurityGroups', {
    assertions: [
      {
        assert: Fn.conditionOr(
          Fn.conditionAnd(isEmpty(subnets), isEmpty(groups)),
          Fn.conditionAnd(Fn.conditionNot(isEmpty(subnets)), Fn.conditionNot(isEmpty(groups))),
        ),
        assertDescription: 'A VPC needs both: set SubnetIds and SecurityGroupIds, or neither.',
      },
    ],
  });
  const isInVpc = new CfnCondition(stack, 'IsInVpc', {
    expression: Fn.conditionAnd(Fn.conditionNot(isEmpty(subnets)), Fn.conditionNot(isEmpty(groups))),
  });
  const hasKey = unlessEquals(stack, 'HasKmsKey', key, 'none');
  return {
    label: 'AWS IAM settings, network and encryption',
    parameters: [
      [boundary, 'IAM permissions boundary (optional)'],
      [subnets, 'Subnets (optional)'],
      [groups, 'Security groups (optional)'],
      [key, 'KMS key (optional)'],
    ],
    props: {
      encryptionKey: Key.fromKeyArn(stack, 'Key', key.valueAsString),
      // The ids are those of the parameters, which replace the VpcConfig below.
      vpc: Vpc.fromVpcAttributes(stack, 'Network', {
        vpcId: 'vpc-00000000',
        availabilityZones: ['any'],
        privateSubnetIds: ['subnet-00000000'],
      }),
      securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-00000000')],
    },
    permissions: { 'kms:Decrypt': hasKey, 'ec2:CreateNetworkInterface': isInVpc },
    apply(builder) {
      applyBoundary(stack, builder, boundary);
      for (const made of resourcesOf<CfnFunction>(builder, 'AWS::Lambda::Function')) {
        made.kmsKeyArn = onlyIf(hasKey, key.valueAsString).toString();
      }
      const generator = builder.generatorFunction.node.defaultChild as CfnFunction;
      generator.vpcConfig = onlyIf(isInVpc, {
        SubnetIds: Fn.split(',', subnets.valueAsString),
        SecurityGroupIds: Fn.split(',', groups.valueAsString),
      });
      for (const queue of resourcesOf<CfnQueue>(builder, 'AWS::SQS::Queue')) {
        queue.kmsMasterKeyId = onlyIf(hasKey, key.valueAsString).toString();
        queue.sqsManagedSseEnabled = Fn.conditionIf(hasKey.logicalId, Aws.NO_VALUE, true);
      }
    },
  };
}
