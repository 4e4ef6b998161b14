import type { LambdaContext } from '../invocation.ts';
import { type MergedRun, mergePlans } from './merge-plans.ts';
import { openJobsMetrics } from './metrics.ts';
import { openJob, SERVICE } from './open-job.ts';
import type { Run, StoredItems } from './run.ts';

const job = openJob();
const metrics = openJobsMetrics(SERVICE);

/** Request of the third step. */
interface MergeRequest {
  readonly run: Run;
  readonly repositories: StoredItems;
}

/** Lambda handler of the third step: merges the plans of the repositories. */
export async function handler(request: MergeRequest, context: LambdaContext): Promise<MergedRun> {
  job.begin(context);
  const { log, store, settings } = job;
  return mergePlans(request, { confirmAbove: settings.confirmAbove, store, log, metrics });
}
