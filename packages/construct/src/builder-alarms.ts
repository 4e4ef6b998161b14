import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** What is watched. */
export interface BuilderAlarms {
  /** Images that get no index, and would get none from trying again. */
  readonly failed: IMetric;
  /** Where events end that failed on each try. */
  readonly deadLetterQueue: IQueue | undefined;
  readonly topic: ITopic | undefined;
}

/** Makes the alarms of a builder. */
export function createAlarms(scope: Construct, { failed, deadLetterQueue, topic }: BuilderAlarms): Alarm[] {
  const alarms = [
    createAlarm(
      scope,
      'FailedAlarm',
      failed,
      'Images were pushed to Amazon ECR that get no SOCI index: the log of the generator says why.',
    ),
  ];
  if (deadLetterQueue !== undefined) {
    const metric = deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5) });
    const description = 'Events of Amazon ECR failed on each try and lie in the dead-letter queue.';
    alarms.push(createAlarm(scope, 'DeadLetterAlarm', metric, description));
  }
  if (topic !== undefined) for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(topic));
  return alarms;
}

function createAlarm(scope: Construct, id: string, metric: IMetric, alarmDescription: string): Alarm {
  return new Alarm(scope, id, {
    metric,
    alarmDescription,
    threshold: 1,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}
