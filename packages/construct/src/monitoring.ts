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

/** What is watched. */
export interface BuilderAlarms {
  /** Images that get no index, and would get none from trying again. */
  readonly failed: IMetric;
  /** Where events end that failed on each try. */
  readonly deadLetterQueue: IQueue | undefined;
  /** Whose errors are watched where there is no such place. */
  readonly functions: readonly [filter: IFunction, generator: IFunction];
  readonly topic: ITopic | undefined;
}

/** Makes the alarms of a builder. */
export function createAlarms(scope: Construct, { failed, deadLetterQueue, functions, topic }: BuilderAlarms): Alarm[] {
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
  } else {
    const description = 'Functions of the SOCI index builder fail again and again: their logs say why.';
    alarms.push(createAlarm(scope, 'ErrorsAlarm', errorsOf(functions), description, TRIES));
  }
  if (topic !== undefined) for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(topic));
  return alarms;
}

function errorsOf([filter, generator]: BuilderAlarms['functions']): IMetric {
  const options = { period: TIME_OF_TRIES };
  return new MathExpression({
    label: 'Errors',
    expression: 'filter + generator',
    usingMetrics: { filter: filter.metricErrors(options), generator: generator.metricErrors(options) },
    ...options,
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

/** Widgets that stand side by side. */
const HALF = 12;

/** What a dashboard shows. */
export interface BuilderDashboard {
  /** What became of images, in numbers. */
  readonly images: IMetric[];
  /** How long an index takes. */
  readonly indexingTime: IMetric;
  readonly generator: IFunction;
  readonly filter: IFunction;
}

/** Makes the dashboard of a builder: what became of images, how long that took, and how the functions do. */
export function createDashboard(
  scope: Construct,
  { images, indexingTime, generator, filter }: BuilderDashboard,
): Dashboard {
  return new Dashboard(scope, 'Dashboard', {
    widgets: [
      [
        new GraphWidget({ title: 'Images', left: images, width: HALF }),
        new GraphWidget({ title: 'Seconds an index', left: [indexingTime], width: HALF }),
      ],
      [
        new GraphWidget({
          title: 'Invocations and errors of the generator',
          left: [generator.metricInvocations(), generator.metricErrors()],
          width: HALF,
        }),
        new GraphWidget({
          title: 'Invocations and errors of the filter',
          left: [filter.metricInvocations(), filter.metricErrors()],
          width: HALF,
        }),
      ],
    ],
  });
}
