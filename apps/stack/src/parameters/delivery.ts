import type { SociIndexBuilder } from '@soci/construct';
import { Aws, type CfnCondition, CfnParameter, CfnResource, Fn, type Stack } from 'aws-cdk-lib';
import { type CfnPolicy, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type ParameterGroup, unlessEquals, whenEquals } from './parameter-group.ts';

/** Children of the construct that exist only with a queue. */
const QUEUE_CHILDREN = [
  'WorkQueue',
  'WorkDeadLetterQueue',
  'WorkQueueMapping',
  'QueueAgeAlarm',
  'QueueDeadLetterAlarm',
  'ECRImageActionEventFilteringLambdaSendMessagePolicy',
  'SociIndexGeneratorLambdaReceiveMessagePolicy',
];

/** The policy of the construct without a queue, with the logical id of AWS's SOCI Index Builder. */
const INVOKE_POLICY = 'ECRImageActionEventFilteringLambdaInvokeSociIndexGeneratorLambdaPolicy';

/** Default and limits of the concurrency. They are those of the construct. */
const CONCURRENCY = { default: 10, minValue: 2, maxValue: 1000 };

/** Creates the parameters for the delivery of events from the filter function to the generator. */
export function deliveryParameters(stack: Stack): ParameterGroup {
  const delivery = new CfnParameter(stack, 'Delivery', {
    default: 'async',
    allowedValues: ['async', 'queue'],
    description:
      'async: Lambda keeps events for 6 hours. queue: an Amazon SQS queue keeps events for 14 days, for hundreds of pushes within minutes. No event is lost if you change this. The queues remain when you change it back or delete the stack.',
  });
  const concurrency = new CfnParameter(stack, 'QueueMaxConcurrency', {
    type: 'Number',
    ...CONCURRENCY,
    constraintDescription: `Must be from ${CONCURRENCY.minValue} to ${CONCURRENCY.maxValue}.`,
    description:
      'Maximum number of images from the queue that are indexed at the same time, at most ReservedConcurrency.',
  });
  const hasQueue = whenEquals(stack, 'DeliversByQueue', delivery, 'queue');
  const isAsync = unlessEquals(stack, 'DeliversAsynchronously', delivery, 'queue');
  return {
    label: 'Delivery of events',
    parameters: [
      [delivery, 'Delivery'],
      [concurrency, 'Images from the queue at the same time'],
    ],
    props: { queue: true, maxConcurrency: concurrency.valueAsNumber },
    apply: (builder) => applyDelivery(stack, builder, hasQueue, isAsync),
  };
}

/** Adds the permission for asynchronous delivery, and creates what each delivery needs only if its condition holds. */
function applyDelivery(stack: Stack, builder: SociIndexBuilder, hasQueue: CfnCondition, isAsync: CfnCondition): void {
  const { filterFunction, generatorFunction, filterRole, queue } = builder;
  const mayInvoke = resourceOf(
    new Policy(builder, INVOKE_POLICY, {
      roles: [filterRole],
      statements: [
        new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [generatorFunction.functionArn] }),
      ],
    }),
  );
  mayInvoke.overrideLogicalId(INVOKE_POLICY);
  mayInvoke.cfnOptions.condition = isAsync;
  for (const id of QUEUE_CHILDREN) {
    for (const child of builder.node.findChild(id).node.findAll()) {
      if (CfnResource.isCfnResource(child)) child.cfnOptions.condition = hasQueue;
    }
  }
  const url = Fn.conditionIf(hasQueue.logicalId, queue?.queueUrl, '');
  for (const each of [filterFunction, generatorFunction]) {
    resourceOf(each).addPropertyOverride('Environment.Variables.soci_queue_url', url);
  }
  // The filter gets its permission before its settings. A resource must not depend on one that a condition omits, but a reference in
  // the metadata has the same effect.
  const maySend = resourceOf(
    builder.node.findChild('ECRImageActionEventFilteringLambdaSendMessagePolicy'),
  ) as CfnPolicy;
  const { Statement, ...document } = stack.resolve(maySend.policyDocument) as {
    readonly Statement: readonly unknown[];
  };
  const [send, useKey] = Statement;
  maySend.policyDocument = {
    Statement: [send, Fn.conditionIf('HasKmsKey', useKey, Aws.NO_VALUE)],
    ...document,
  };
  const filter = resourceOf(filterFunction);
  filter.addOverride('DependsOn', [resourceOf(filterRole).logicalId]);
  filter.addMetadata('Delivery', Fn.conditionIf(hasQueue.logicalId, maySend.ref, mayInvoke.ref));
}

function resourceOf({ node }: Pick<SociIndexBuilder, 'node'>): CfnResource {
  return node.defaultChild as CfnResource;
}
