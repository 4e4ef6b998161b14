import type { SociIndexBuilder } from '@soci/construct';
import { ArnFormat, CfnCondition, type CfnOutput, CfnParameter, Fn, type Stack, Token } from 'aws-cdk-lib';
import type { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnRule } from 'aws-cdk-lib/aws-events';
import type { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { onlyIf, type ParameterGroup, resourcesOf, unlessEquals } from './parameter-group.ts';

/** Retention periods of CloudWatch Logs, in days. 0: Lambda creates log groups without expiry. */
export const RETENTION_DAYS = '0 1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653';

/** The ARN of an Amazon SNS topic, or `none`. */
export const TOPIC_PATTERN = '^(none|arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)$';

/** Creates the parameters for logs, failed events and alarms. */
export function monitoringParameters(stack: Stack): ParameterGroup {
  const retention = new CfnParameter(stack, 'LogRetentionDays', {
    type: 'Number',
    default: '0',
    allowedValues: RETENTION_DAYS.split(' '),
    description:
      'Days to keep logs. The log groups then belong to the stack and are deleted with it. 0: Lambda creates log groups without expiry, which remain when the stack is deleted.',
  });
  const queue = new CfnParameter(stack, 'DeadLetterQueue', {
    default: 'false',
    allowedValues: ['false', 'true'],
    description: 'true: keep events that failed on all attempts in an Amazon SQS queue, for 14 days.',
  });
  const alarms = new CfnParameter(stack, 'Alarms', {
    default: 'false',
    allowedValues: ['false', 'true'],
    description:
      'true: create alarms for images that could not be indexed, and for events in the dead-letter queue, which is created too.',
  });
  const topic = new CfnParameter(stack, 'AlarmTopicArn', {
    default: 'none',
    allowedPattern: TOPIC_PATTERN,
    constraintDescription: 'Must be the ARN of an Amazon SNS topic, or none.',
    description: 'ARN of an Amazon SNS topic that the alarms notify, or none. With a topic, the alarms are created.',
  });
  const hasTopic = unlessEquals(stack, 'NotifiesTopic', topic, 'none');
  const hasAlarms = new CfnCondition(stack, 'HasAlarms', {
    expression: Fn.conditionOr(Fn.conditionEquals(alarms.valueAsString, 'true'), hasTopic),
  });
  const hasQueue = new CfnCondition(stack, 'HasDeadLetterQueue', {
    expression: Fn.conditionOr(Fn.conditionEquals(queue.valueAsString, 'true'), hasAlarms),
  });
  return {
    label: 'Monitoring',
    parameters: [
      [retention, 'Log retention (days)'],
      [queue, 'Create a dead-letter queue'],
      [alarms, 'Create alarms'],
      [topic, 'Topic of the alarms (optional)'],
    ],
    props: {
      logRetention: retention.valueAsNumber as RetentionDays,
      deadLetterQueueEnabled: true,
      alarmTopic: Topic.fromTopicArn(stack, 'AlarmTopic', topic.valueAsString),
    },
    permissions: { 'sqs:SendMessage': hasQueue, 'kms:GenerateDataKey': hasQueue },
    apply(builder) {
      applyLogGroups(stack, builder, unlessEquals(stack, 'HasLogGroups', retention, '0'));
      applyQueue(builder, hasQueue);
      for (const alarm of resourcesOf<CfnAlarm>(builder, 'AWS::CloudWatch::Alarm')) {
        alarm.cfnOptions.condition = hasAlarms;
        alarm.alarmActions = Token.asList(onlyIf(hasTopic, [topic.valueAsString]));
      }
    },
  };
}

/** Creates the log groups only if a condition holds. The functions otherwise may create them under the default names. */
function applyLogGroups(stack: Stack, builder: SociIndexBuilder, hasLogGroups: CfnCondition): void {
  for (const group of resourcesOf(builder, 'AWS::Logs::LogGroup')) group.cfnOptions.condition = hasLogGroups;
  const choose = (value: unknown, other: unknown) => Fn.conditionIf(hasLogGroups.logicalId, value, other);
  for (const made of resourcesOf<CfnFunction>(builder, 'AWS::Lambda::Function')) {
    const { logGroup } = stack.resolve(made.loggingConfig) as { readonly logGroup: unknown };
    made.loggingConfig = onlyIf(hasLogGroups, { LogGroup: logGroup });
    const policy = builder.node.tryFindChild(`${made.node.scope?.node.id}CloudwatchPolicy`)?.node.defaultChild;
    const { policyDocument } = policy as CfnPolicy;
    const { Statement, ...document } = stack.resolve(policyDocument) as { Statement: { Resource: unknown }[] };
    const byLambda = stack.formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: `/aws/lambda/${made.ref}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const actions = ['logs:CreateLogStream', 'logs:PutLogEvents'];
    (policy as CfnPolicy).policyDocument = {
      Statement: Statement.map((statement) => ({
        ...statement,
        Action: choose(actions, ['logs:CreateLogGroup', ...actions]),
        Resource: choose(statement.Resource, byLambda),
      })),
      ...document,
    };
  }
  const output = stack.node.findChild('GeneratorLogGroup') as CfnOutput;
  output.value = choose(builder.generatorFunction.logGroup.logGroupName, output.value).toString();
}

/** Creates the dead-letter queue only if a condition holds. */
function applyQueue(builder: SociIndexBuilder, hasQueue: CfnCondition): void {
  for (const type of ['AWS::SQS::Queue', 'AWS::SQS::QueuePolicy']) {
    for (const resource of resourcesOf(builder, type)) resource.cfnOptions.condition = hasQueue;
  }
  const arn = builder.deadLetterQueue?.queueArn;
  for (const { node } of [builder.filterFunction, builder.generatorFunction]) {
    (node.defaultChild as CfnFunction).deadLetterConfig = onlyIf(hasQueue, { TargetArn: arn });
  }
  const [rule] = resourcesOf<CfnRule>(builder, 'AWS::Events::Rule');
  rule?.addPropertyOverride('Targets.0.DeadLetterConfig', onlyIf(hasQueue, { Arn: arn }));
}
