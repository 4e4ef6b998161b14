import { Duration } from 'aws-cdk-lib';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';

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
