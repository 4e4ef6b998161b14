import type { GeneratorEnvironment } from '@soci/functions' with { 'resolution-mode': 'import' };
import { Duration } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { SociIndexVersion } from './indexing-options';
import { ShippedCode } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { allow, createFunction } from './workflow-function';

/** Memory in MB at which Lambda gives a function one whole core. */
const MEMORY_OF_A_CORE = 1769;

/** What Lambda does for a function in a network, in the name of its role. */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * Makes the function that builds and pushes indexes, allowed to get tokens; the repositories are added where they are known.
 * `common` are variables that the filter has too; `service` is its name in logs and metrics.
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
    memorySize: props.memorySize ?? MEMORY_OF_A_CORE,
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

/** Allows a function that indexes images to get tokens and, in a network, to have interfaces there. */
export function allowIndexing(
  scope: Construct,
  policyId: string,
  created: LambdaFunction,
  vpc: IVpc | undefined,
): void {
  allow(scope, policyId, created, [new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] })]);
  if (vpc === undefined) return;
  // What AWSLambdaVPCAccessExecutionRole allows, less the logs. EC2 knows no narrower resources for it. The function cannot
  // be made before it: the policy is the role's own.
  created.addToRolePolicy(new PolicyStatement({ actions: NETWORK_ACTIONS, resources: ['*'] }));
}

function environmentOf(
  { indexVersion = SociIndexVersion.V2, minLayerSize, spanSize, eventBus }: SociIndexBuilderProps,
  common: GeneratorEnvironment,
): GeneratorEnvironment {
  return {
    // A token, at times, for one of these.
    soci_index_version: indexVersion.value as 'V1' | 'V2',
    ...common,
    ...(minLayerSize && { soci_min_layer_size: String(minLayerSize.toBytes()) }),
    ...(spanSize && { soci_span_size: String(spanSize.toBytes()) }),
    ...(eventBus && { soci_event_bus: eventBus.eventBusArn }),
  };
}
