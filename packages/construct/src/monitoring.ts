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
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** Namespace of the functions' metrics. @see packages/functions/README.md, "Metrics" */
const NAMESPACE = 'SociIndexBuilder';

/** Makes a metric of the generator. Counts are summed up, times averaged, over five minutes unless said otherwise. */
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

/** How often Lambda tries an event, and a time in which it has done so: it waits for one minute, then for two. */
const TRIES = 3;
const TIME_OF_TRIES = Duration.minutes(15);

/** What is watched and shown of a builder. */
export interface WatchedBuilder extends Construct {
  readonly filterFunction: IFunction;
  readonly generatorFunction: IFunction;
  readonly deadLetterQueue?: IQueue;
  metricIndexed(): IMetric;
  metricSkipped(): IMetric;
  metricFailed(): IMetric;
  metricIndexingTime(): IMetric;
}

/** Makes the alarms of a builder: errors of its functions are watched if it has no dead-letter queue. */
export function createAlarms(builder: WatchedBuilder, topic: ITopic | undefined): Alarm[] {
  const { deadLetterQueue } = builder;
  const failed = 'Images were pushed to Amazon ECR that get no SOCI index: the log of the generator says why.';
  const alarms = [createAlarm(builder, 'FailedAlarm', builder.metricFailed(), failed)];
  if (deadLetterQueue !== undefined) {
    const metric = deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5) });
    const description = 'Events of Amazon ECR failed on each try and lie in the dead-letter queue.';
    alarms.push(createAlarm(builder, 'DeadLetterAlarm', metric, description));
  } else {
    const description = 'Functions of the SOCI index builder fail again and again: their logs say why.';
    alarms.push(createAlarm(builder, 'ErrorsAlarm', errorsOf(builder), description, TRIES));
  }
  if (topic !== undefined) for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(topic));
  return alarms;
}

function errorsOf({ filterFunction, generatorFunction }: WatchedBuilder): IMetric {
  const period = TIME_OF_TRIES;
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

/** Makes the dashboard of a builder: what became of images, how long that took, and how the functions do. */
export function createDashboard(builder: WatchedBuilder): Dashboard {
  const half = (title: string, ...left: IMetric[]) => new GraphWidget({ title, left, width: 12 });
  const { generatorFunction: generator, filterFunction: filter } = builder;
  const images = [builder.metricIndexed(), builder.metricSkipped(), builder.metricFailed()];
  return new Dashboard(builder, 'Dashboard', {
    widgets: [
      [half('Images', ...images), half('Seconds an index', builder.metricIndexingTime())],
      [
        half('Invocations and errors of the generator', generator.metricInvocations(), generator.metricErrors()),
        half('Invocations and errors of the filter', filter.metricInvocations(), filter.metricErrors()),
      ],
    ],
  });
}
