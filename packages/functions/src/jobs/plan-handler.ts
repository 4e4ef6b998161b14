import type { LambdaContext } from '../invocation.ts';
import { openJob } from './open-job.ts';
import { type PlannedRun, planRun } from './plan-run.ts';
import type { RunRequest } from './run.ts';

const job = openJob();

/** Lambda handler of the first step: writes the names of the repositories. */
export async function handler(request: Partial<RunRequest>, context: LambdaContext): Promise<PlannedRun> {
  const catalog = job.catalog(job.begin(context));
  const { log, store, settings } = job;
  return planRun(request, { settings, catalog, store, log });
}
