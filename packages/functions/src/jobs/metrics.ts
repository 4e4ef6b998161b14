import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRICS_NAMESPACE } from '../generator/metrics.ts';
import type { PlanCounts } from './list-repository.ts';

/** Writes metrics of runs to the log, in the CloudWatch embedded metric format. */
export interface JobsMetrics {
  /** Records what a run found: `Missing` images without an index, and `Stale` ones with an outdated index. */
  recordFound(tags: PlanCounts): void;
}

/** Opens the metrics of a state machine, with the namespace of the generator and the dimension `service`. */
export function openJobsMetrics(service: string): JobsMetrics {
  const metrics = new Metrics({
    namespace: process.env.POWERTOOLS_METRICS_NAMESPACE || METRICS_NAMESPACE,
    serviceName: process.env.POWERTOOLS_SERVICE_NAME || service,
  });
  return {
    recordFound({ index, stale }) {
      metrics.addMetric('Missing', MetricUnit.Count, index);
      metrics.addMetric('Stale', MetricUnit.Count, stale);
      metrics.publishStoredMetrics();
    },
  };
}
