import { OciError } from '@soci/oci';
import type { Repository } from '@soci/registry';
import { FunctionError, type FunctionErrorCode } from '../errors.ts';
import { indexDigest } from '../generator/index-digest.ts';
import type { FailReason, Outcome, SkipReason } from '../generator/outcome.ts';
import type { JobProgress } from '../generator/progress.ts';
import { type IndexedResource, type IndexRequest, NOTHING_MADE } from './resource.ts';
import { type RetryContext, tryUntilDone } from './retry.ts';

/** What a template can ask of the resource with `Fn::GetAtt`; all of them are always there. */
export interface IndexAttributes {
  /** What to deploy: digest of the SOCI-enabled image, or of the image itself where that stays as it is. */
  readonly imageDigest: string;
  /** Tag of the SOCI-enabled image; empty where there is none. */
  readonly outputTag: string;
  /** `indexed`, `skipped` or `started`. */
  readonly outcome: 'indexed' | 'skipped' | 'started';
  /** Why there was nothing to do; empty where there was. */
  readonly reason: SkipReason | '';
}

/** What came of a resource. */
export interface IndexResult {
  readonly resource: IndexedResource;
  readonly attributes: IndexAttributes;
}

/** What indexing an image while a stack is deployed takes. */
export interface DeployJob extends RetryContext {
  readonly request: IndexRequest;
  /** Opens the repository of the image, with nothing remembered of what was in it. */
  readonly openRepository: () => Repository;
  readonly progress: JobProgress;
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
  const outcome = await indexDigest({ repository, digest, tag, settings, log, progress, signal });
  const result = resultOf(request, digest, outcome);
  if (result !== undefined) return result;
  if (outcome.outcome === 'indexed') throw new Error('an index that was made is always a result');
  const message = `${describeImage(request)} gets no SOCI index (${outcome.reason}): ${outcome.message}`;
  throw new FunctionError(CODES[outcome.reason] ?? 'NO_INDEX', message);
}

/** What becomes of reasons that are not, as all others, `NO_INDEX`. */
const CODES: Readonly<Partial<Record<SkipReason | FailReason, FunctionErrorCode>>> = {
  'tag-moved': 'TRY_AGAIN',
  'access-denied': 'ACCESS_DENIED',
  deadline: 'DEADLINE_NEAR',
};

/** Finds the digest of the image of a request. @throws FunctionError `IMAGE_MISSING`; what the repository throws. */
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

/** Reasons to make no index that are no fault of a deployment. */
const NOTHING_TO_INDEX: ReadonlySet<SkipReason> = new Set([
  'layers-not-supported',
  'layers-too-small',
  'no-layers',
  'no-platform',
  'soci-enabled',
]);

/**
 * What a deployment is given for an outcome; undefined where the image that it is about gets no index and should have one.
 *
 * @param digest - Of the image.
 */
function resultOf(request: IndexRequest, digest: string, outcome: Outcome): IndexResult | undefined {
  const { repository, settings, indexing } = request;
  if (outcome.outcome === 'failed') return undefined;
  const reason = outcome.outcome === 'skipped' ? outcome.reason : '';
  const { root, outputTag } = outcome;
  if (reason !== '' && reason !== 'already-indexed') {
    if (!NOTHING_TO_INDEX.has(reason)) return undefined;
    const attributes = { imageDigest: digest, outputTag: '', outcome: outcome.outcome, reason };
    return { resource: { repository, digest, indexing: NOTHING_MADE }, attributes };
  }
  const named = root === undefined ? {} : { ...(outputTag !== undefined && { outputTag }) };
  const resource: IndexedResource =
    settings.version === 2 && root !== undefined
      ? { repository, digest: root.digest, ...named }
      : { repository, digest, indexing };
  return {
    resource,
    attributes: { imageDigest: resource.digest, outputTag: named.outputTag ?? '', outcome: outcome.outcome, reason },
  };
}

/**
 * What a deployment is given that does not wait: the image itself, as nobody knows yet whether there will be another, and
 * the tag that this would have.
 */
export function startedResult(request: IndexRequest, digest: string): IndexResult {
  const { repository, tag, settings, indexing } = request;
  const outputTag =
    settings.version === 1 ? undefined : settings.outputTag.format({ digest, ...(tag !== undefined && { tag }) });
  return {
    resource: { repository, digest, indexing, ...(outputTag !== undefined && { outputTag }) },
    attributes: { imageDigest: digest, outputTag: outputTag ?? '', outcome: 'started', reason: '' },
  };
}
