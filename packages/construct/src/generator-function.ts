import type { GeneratorEnvironment } from '@soci/functions' with { 'resolution-mode': 'import' };
import { Duration } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { type IndexingOptions, SociIndexVersion } from './indexing-options';
import { ShippedCode } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { addPolicy, createFunction } from './workflow-function';

/** Memory in MB for which Lambda allocates one vCPU. */
const MEMORY_PER_VCPU = 1769;

/** Actions that Lambda needs to run a function in a VPC. */
const VPC_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * Creates the generator function with the permission to get ECR tokens. The caller grants access to repositories.
 *
 * @param common - Environment variables that the filter function has too.
 * @param service - Name of the service in logs and metrics.
 */
export function createGenerator(
  scope: Construct,
  props: SociIndexBuilderProps,
  common: GeneratorEnvironment,
  service: string,
  deadLetterQueue: IQueue | undefined,
): LambdaFunction {
  const { eventBus, vpc, vpcSubnets, securityGroups, reservedConcurrentExecutions } = props;
  const generator = createFunction(scope, 'SociIndexGeneratorLambda', props, {
    description: 'Builds a SOCI index for an image in Amazon ECR and pushes it to the repository of the image.',
    code: new ShippedCode('generator.zip'),
    memorySize: props.memorySize ?? MEMORY_PER_VCPU,
    timeout: props.timeout ?? Duration.minutes(15),
    environment: { ...environmentOf(props, common), POWERTOOLS_SERVICE_NAME: service },
    deadLetterQueue,
    reservedConcurrentExecutions,
    vpc,
    vpcSubnets,
    securityGroups,
  });
  allowIndexing(scope, 'SociIndexGeneratorLambdaECRTokenPolicy', generator, vpc);
  eventBus?.grantPutEventsTo(generator);
  return generator;
}

/** Allows a function to get ECR tokens and, in a VPC, to use network interfaces. */
export function allowIndexing(
  scope: Construct,
  policyId: string,
  created: LambdaFunction,
  vpc: IVpc | undefined,
): void {
  addPolicy(scope, policyId, created, [
    new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
  ]);
  if (vpc === undefined) return;
  // The actions of AWSLambdaVPCAccessExecutionRole without logs. EC2 does not support resource-level permissions for them. The
  // function depends on the role's default policy, so it is created after these permissions.
  created.addToRolePolicy(new PolicyStatement({ actions: VPC_ACTIONS, resources: ['*'] }));
}

function environmentOf(props: SociIndexBuilderProps, common: GeneratorEnvironment): GeneratorEnvironment {
  const { indexVersion = SociIndexVersion.V2, minLayerSize, recompress, eventBus } = props;
  const spanSize = spanSizeOf(props);
  return {
    // Can be a token for one of these values.
    soci_index_version: indexVersion.value as 'V1' | 'V2',
    ...common,
    ...(minLayerSize && { soci_min_layer_size: String(minLayerSize.toBytes()) }),
    ...(spanSize && { soci_span_size: spanSize }),
    ...(props.useStoredProfile && { soci_use_stored_profile: 'true' }),
    ...(recompress && { soci_recompress: recompress.value as 'none' | 'zstd' | 'zstd,tar' }),
    ...(eventBus && { soci_event_bus: eventBus.eventBusArn }),
  };
}

/** Returns the value of `soci_span_size`. */
export function spanSizeOf({ spanSize, autoSpanSize }: IndexingOptions): string | undefined {
  return autoSpanSize ? 'auto' : spanSize && String(spanSize.toBytes());
}
