import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  type MetricOptions,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** Namespace of the metrics. @see packages/functions/README.md, "Metrics" */
const NAMESPACE = 'SociIndexBuilder';

/** Returns a metric of the generator, by default with a period of five minutes. */
export function generatorMetric(
  service: string,
  metricName: string,
  statistic: string,
  options?: MetricOptions,
): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { service },
    statistic,
    period: Duration.minutes(5),
    ...options,
  });
}

/** Number of attempts for an event, and a period that includes all of them: Lambda waits one minute, then two. */
const MAX_ATTEMPTS = 3;
const ATTEMPTS_PERIOD = Duration.minutes(15);

/** The parts of a builder that alarms and the dashboard use. */
export interface MonitoredBuilder extends Construct {
  readonly filterFunction: IFunction;
  readonly generatorFunction: IFunction;
  readonly deadLetterQueue?: IQueue;
  metricIndexed(): IMetric;
  metricSkipped(): IMetric;
  metricFailed(): IMetric;
  metricIndexingTime(): IMetric;
}

/** Creates the alarms of a builder. Without a dead-letter queue, the second alarm watches the errors of the functions. */
export function createAlarms(builder: MonitoredBuilder, topic: ITopic | undefined): Alarm[] {
  const { deadLetterQueue } = builder;
  const failed = 'Images pushed to Amazon ECR could not be indexed. The log of the generator has the reasons.';
  const alarms = [createAlarm(builder, 'FailedAlarm', builder.metricFailed(), failed)];
  if (deadLetterQueue !== undefined) {
    const metric = deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5) });
    const description = 'Events of Amazon ECR failed on all attempts and are in the dead-letter queue.';
    alarms.push(createAlarm(builder, 'DeadLetterAlarm', metric, description));
  } else {
    const description = 'Functions of the SOCI index builder fail repeatedly. Their logs have the reasons.';
    alarms.push(createAlarm(builder, 'ErrorsAlarm', errorsOf(builder), description, MAX_ATTEMPTS));
  }
  if (topic !== undefined) for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(topic));
  return alarms;
}

/** Age of an event in the queue that raises the alarm. All attempts of an event take less. */
const MAX_AGE = Duration.hours(1);

/** Creates the alarms of a queue of events: for the age of its oldest event, and for events that failed on all attempts. */
export function createQueueAlarms(scope: Construct, queue: Queue, topic: ITopic | undefined): Alarm[] {
  const period = Duration.minutes(5);
  const age = `Events of Amazon ECR wait longer than ${MAX_AGE.toHumanString()} in the queue of the SOCI index builder.`;
  const metric = queue.metricApproximateAgeOfOldestMessage({ period, statistic: 'Maximum' });
  const alarms = [createAlarm(scope, 'QueueAgeAlarm', metric, age, MAX_AGE.toSeconds())];
  const failed = queue.deadLetterQueue?.queue.metricApproximateNumberOfMessagesVisible({
    period,
    statistic: 'Maximum',
  });
  const description = 'Events of Amazon ECR failed on all attempts and are in the dead-letter queue of the queue.';
  if (failed !== undefined) alarms.push(createAlarm(scope, 'QueueDeadLetterAlarm', failed, description));
  if (topic !== undefined) for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(topic));
  return alarms;
}

function errorsOf({ filterFunction, generatorFunction }: MonitoredBuilder): IMetric {
  const period = ATTEMPTS_PERIOD;
  return new MathExpression({
    label: 'Errors',
    expression: 'filter + generator',
    usingMetrics: {
      filter: filterFunction.metricErrors({ period }),
      generator: generatorFunction.metricErrors({ period }),
    },
    period,
  });
}

function createAlarm(scope: Construct, id: string, metric: IMetric, alarmDescription: string, threshold = 1): Alarm {
  return new Alarm(scope, id, {
    metric,
    alarmDescription,
    threshold,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}

/** Creates the dashboard of a builder: outcomes, indexing time, and invocations and errors of the functions. */
export function createDashboard(builder: MonitoredBuilder): Dashboard {
  const half = (title: string, ...left: IMetric[]) => new GraphWidget({ title, left, width: 12 });
  const { generatorFunction: generator, filterFunction: filter } = builder;
  const images = [builder.metricIndexed(), builder.metricSkipped(), builder.metricFailed()];
  return new Dashboard(builder, 'Dashboard', {
    widgets: [
      [half('Images', ...images), half('Indexing time (seconds)', builder.metricIndexingTime())],
      [
        half('Invocations and errors of the generator', generator.metricInvocations(), generator.metricErrors()),
        half('Invocations and errors of the filter', filter.metricInvocations(), filter.metricErrors()),
      ],
    ],
  });
}
