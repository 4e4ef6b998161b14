import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Outcome } from './outcome.ts';

/** Namespace of the metrics, unless `POWERTOOLS_METRICS_NAMESPACE` says otherwise. */
const METRICS_NAMESPACE = 'SociIndexBuilder';

/** Counts what comes of events, in CloudWatch's embedded metric format: one line of the log an invocation. */
export interface OutcomeMetrics {
  /** @param seconds - Wall time of the invocation. */
  record(outcome: Outcome, seconds: number): void;
  /** An invocation that failed in passing, and will be tried again. */
  recordRetry(): void;
}

/**
 * Opens the metrics of the generator. Each has the dimension `service`: `Indexed`, `Skipped`, `Failed` and `TriedAgain`,
 * one of which is 1 for every invocation; with an index `LayersBuilt`, `LayersReused`, `BytesRead` and `IndexingTime`. What
 * was skipped or has failed is counted once more with the dimension `reason`.
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
