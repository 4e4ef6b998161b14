import type { LambdaContext } from '../invocation.ts';
import { listRepository } from './list-repository.ts';
import { openJob } from './open-job.ts';
import type { Run } from './run.ts';

const job = openJob();

/** Request of the second step. */
interface ListRequest {
  readonly run: Run;
  readonly repository: string;
}

/** Lambda handler of the second step: compares the images of a repository with their indexes. */
export async function handler(request: ListRequest, context: LambdaContext): Promise<object> {
  const catalog = job.catalog(job.begin(context));
  const { log, store, settings } = job;
  return listRepository(request, { settings, catalog, store, log });
}
