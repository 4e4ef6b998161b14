import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Outcome } from './outcome.ts';

/** Default namespace of the metrics. `POWERTOOLS_METRICS_NAMESPACE` overrides it. */
export const METRICS_NAMESPACE = 'SociIndexBuilder';

/** Writes metrics of outcomes to the log, in the CloudWatch embedded metric format. */
export interface OutcomeMetrics {
  /** Records an outcome. @param seconds - Duration of the invocation. */
  record(outcome: Outcome, seconds: number): void;
  /** Records a temporary error that Lambda will retry. */
  recordRetry(): void;
}

/**
 * Opens the metrics of the generator. For each invocation, one of `Indexed`, `Skipped`, `Failed` and `TriedAgain` is 1. A new
 * index also has `LayersBuilt`, `LayersReused`, `BytesRead` and `IndexingTime`. All have the dimension `service`. `Skipped` and
 * `Failed` are also counted with the dimension `reason`.
 *
 * @see Amazon CloudWatch User Guide, "Specification: Embedded metric format"
 */
export function openMetrics(service: string): OutcomeMetrics {
  const metrics = new Metrics({
    namespace: process.env.POWERTOOLS_METRICS_NAMESPACE || METRICS_NAMESPACE,
    serviceName: process.env.POWERTOOLS_SERVICE_NAME || service,
  });
  return {
    record(outcome, seconds) {
      if (outcome.outcome === 'indexed') {
        metrics.addMetric('Indexed', MetricUnit.Count, 1);
        metrics.addMetric('LayersBuilt', MetricUnit.Count, outcome.layers.built);
        metrics.addMetric('LayersReused', MetricUnit.Count, outcome.layers.reused);
        metrics.addMetric('BytesRead', MetricUnit.Bytes, outcome.bytesRead);
        metrics.addMetric('IndexingTime', MetricUnit.Seconds, seconds);
      } else {
        const name = outcome.outcome === 'skipped' ? 'Skipped' : 'Failed';
        metrics.addMetric(name, MetricUnit.Count, 1);
        const byReason = metrics.singleMetric();
        byReason.addDimension('reason', outcome.reason);
        byReason.addMetric(name, MetricUnit.Count, 1);
      }
      metrics.publishStoredMetrics();
    },
    recordRetry() {
      metrics.addMetric('TriedAgain', MetricUnit.Count, 1);
      metrics.publishStoredMetrics();
    },
  };
}
