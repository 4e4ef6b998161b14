import type { LambdaContext } from '../invocation.ts';
import { type CollectedRepository, collectRepository } from './collect-repository.ts';
import { openJob } from './open-job.ts';
import type { Run } from './run.ts';

const job = openJob();

/** Request of the collecting step. */
interface CollectRequest {
  readonly run: Run;
  readonly repository: string;
}

/** Lambda handler of the collecting step: finds the garbage of a repository, and deletes it if the run may. */
export async function handler(request: CollectRequest, context: LambdaContext): Promise<CollectedRepository> {
  const location = job.begin(context);
  const { log, store, settings } = job;
  return collectRepository(request, {
    settings,
    catalog: job.catalog(location),
    host: job.host(location),
    store,
    log,
    remainingTime: () => context.getRemainingTimeInMillis(),
  });
}
