import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRICS_NAMESPACE } from '../generator/metrics.ts';
import type { GarbageReport } from './garbage-report.ts';
import type { PlanCounts } from './list-repository.ts';

/** Writes metrics of runs to the log, in the CloudWatch embedded metric format. */
export interface JobsMetrics {
  /** Records what a run found: `Missing` images without an index, and `Stale` ones with an outdated index. */
  recordFound(tags: PlanCounts): void;
  /** Records how many manifests of garbage a run found (`Garbage`), and how many of them it deleted (`Deleted`). */
  recordGarbage(manifests: GarbageReport['manifests']): void;
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
    recordGarbage(manifests) {
      metrics.addMetric(
        'Garbage',
        MetricUnit.Count,
        Object.values(manifests).reduce((sum, count) => sum + count, 0),
      );
      metrics.addMetric('Deleted', MetricUnit.Count, manifests.deleted);
      metrics.publishStoredMetrics();
    },
  };
}
