import type { GeneratorEnvironment } from '@soci/functions' with { 'resolution-mode': 'import' };
import { Duration } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { ShippedCode } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { SociIndexVersion } from './soci-index-version';
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

/** What a generator is made with, beside the properties of the builder. */
export interface GeneratorParts {
  /** Variables that the filter has too. */
  readonly common: GeneratorEnvironment;
  /** Name in logs and metrics. */
  readonly service: string;
  readonly deadLetterQueue: IQueue | undefined;
}

/** Makes the function that builds and pushes indexes, allowed to get tokens; the repositories are added where they are known. */
export function createGenerator(scope: Construct, props: SociIndexBuilderProps, parts: GeneratorParts): LambdaFunction {
  const { eventBus, vpc, vpcSubnets, securityGroups, reservedConcurrentExecutions, memorySize, timeout } = props;
  const { deadLetterQueue, service } = parts;
  const generator = createFunction(scope, {
    name: 'SociIndexGeneratorLambda',
    description: 'Builds a SOCI index for an image in Amazon ECR and pushes it to the repository of the image.',
    code: new ShippedCode('generator.zip'),
    memorySize: memorySize ?? MEMORY_OF_A_CORE,
    timeout: timeout ?? Duration.minutes(15),
    environment: { ...environmentOf(props, parts), POWERTOOLS_SERVICE_NAME: service },
    more: {
      ...(deadLetterQueue && { deadLetterQueue }),
      ...(reservedConcurrentExecutions !== undefined && { reservedConcurrentExecutions }),
      ...(vpc && { vpc }),
      ...(vpcSubnets && { vpcSubnets }),
      ...(securityGroups && { securityGroups }),
    },
    common: props,
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
  { common }: GeneratorParts,
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
