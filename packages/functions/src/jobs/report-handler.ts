import type { LambdaContext } from '../invocation.ts';
import { sendEvent } from '../send-event.ts';
import type { MergedRun } from './merge-plans.ts';
import { openJobsMetrics } from './metrics.ts';
import { openJob, SERVICE } from './open-job.ts';
import { type RunResult, reportRun } from './report-run.ts';

const job = openJob();
const metrics = openJobsMetrics(SERVICE);

/** `detail-type` of the event. */
const RUN_COMPLETE = 'SOCI Run Complete';

/** Lambda handler of the last step: writes the report and sends an event. */
export async function handler(request: MergedRun, context: LambdaContext): Promise<RunResult> {
  const location = job.begin(context);
  const { log, store, settings } = job;
  const announce = (result: RunResult) => sendEvent(settings.eventBus, RUN_COMPLETE, result);
  return reportRun(request, { settings, location, store, log, metrics, announce });
}
