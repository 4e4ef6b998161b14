import { OciError } from '@soci/oci';
import type { Repository } from '@soci/registry';
import { FunctionError, type FunctionErrorCode } from '../errors.ts';
import type { BuildProgress } from '../generator/build-progress.ts';
import { indexImage } from '../generator/index-image.ts';
import type { FailReason, SkipReason } from '../generator/outcome.ts';
import { type IndexResult, resultOf } from './index-attributes.ts';
import type { IndexRequest } from './resource-properties.ts';
import { type Persistence, tryUntilDone } from './try-again.ts';

/** What indexing an image while a stack is deployed takes. */
export interface DeployJob extends Persistence {
  readonly request: IndexRequest;
  /** Opens the repository of the image, with nothing remembered of what was in it. */
  readonly openRepository: () => Repository;
  readonly progress: BuildProgress;
}

/**
 * Indexes an image, again and again where it fails in passing, until it is done or the time is over. A tag that is moved
 * meanwhile is followed: what it names at the end is what is deployed.
 *
 * @throws FunctionError `IMAGE_MISSING`, `NO_INDEX`, `ACCESS_DENIED`, `DEADLINE_NEAR`.
 */
export async function indexAtDeploy(job: DeployJob): Promise<IndexResult> {
  const { request, log } = job;
  const result = await tryUntilDone(() => tryOnce(job), job);
  log.info(`${describeImage(request)}: ${result.attributes.outcome}`, { ...result.attributes });
  return result;
}

async function tryOnce({ request, openRepository, log, progress, signal }: DeployJob): Promise<IndexResult> {
  const { tag, settings } = request;
  const repository = openRepository();
  const digest = await resolveImage(request, repository, signal);
  const outcome = await indexImage({ repository, digest, tag, settings, log, progress, signal });
  const result = resultOf(request, digest, outcome);
  if (result !== undefined) return result;
  if (outcome.outcome === 'indexed') throw new Error('an index that was made is always a result');
  const message = `${describeImage(request)} gets no SOCI index (${outcome.reason}): ${outcome.message}`;
  throw new FunctionError(codeOf(outcome.reason), message);
}

function codeOf(reason: SkipReason | FailReason): FunctionErrorCode {
  switch (reason) {
    case 'tag-moved':
      return 'TRY_AGAIN';
    case 'access-denied':
      return 'ACCESS_DENIED';
    case 'deadline':
      return 'DEADLINE_NEAR';
    default:
      return 'NO_INDEX';
  }
}

/**
 * Finds the digest of the image of a request.
 *
 * @throws FunctionError `IMAGE_MISSING`; what the repository throws.
 */
export async function resolveImage(
  request: IndexRequest,
  repository: Repository,
  signal: AbortSignal,
): Promise<string> {
  const { digest, tag = '' } = request;
  try {
    return (await repository.resolve(digest ?? tag, { signal })).digest;
  } catch (error) {
    if (!(error instanceof OciError && error.code === 'NOT_FOUND')) throw error;
    const message = `there is no ${describeImage(request)}: push it before the stack is deployed`;
    throw new FunctionError('IMAGE_MISSING', message, { cause: error });
  }
}

/** `repository:tag`, or `repository@digest`. */
function describeImage({ repository, tag, digest }: IndexRequest): string {
  return tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`;
}
