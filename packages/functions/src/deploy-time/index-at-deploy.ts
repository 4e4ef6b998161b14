import { OciError } from '@soci/oci';
import type { Repository } from '@soci/registry';
import { FunctionError, type FunctionErrorCode } from '../errors.ts';
import { indexDigest } from '../generator/index-digest.ts';
import type { FailReason, Outcome, SkipReason } from '../generator/outcome.ts';
import type { JobProgress } from '../generator/progress.ts';
import { type IndexedResource, type IndexRequest, NO_INDEX_CREATED } from './resource.ts';
import { type RetryContext, retryUntilDone } from './retry.ts';

/** Attributes of the custom resource, for `Fn::GetAtt`. All of them are always set. */
export interface IndexAttributes {
  /** Digest to deploy: that of the SOCI-enabled image, or that of the original image. */
  readonly imageDigest: string;
  /** Tag of the SOCI-enabled image, or empty. */
  readonly outputTag: string;
  /** Outcome; `started` if the deployment does not wait. */
  readonly outcome: 'indexed' | 'skipped' | 'started';
  /** Reason for `skipped`; otherwise empty. */
  readonly reason: SkipReason | '';
}

/** Result of indexing an image for a resource. */
export interface IndexResult {
  readonly resource: IndexedResource;
  readonly attributes: IndexAttributes;
}

/** Input of {@link indexAtDeploy}. */
export interface DeployJob extends RetryContext {
  readonly request: IndexRequest;
  /** Opens the repository of the image, without cached content. */
  readonly openRepository: () => Repository;
  readonly progress: JobProgress;
}

/**
 * Indexes an image, and retries temporary errors until the timeout. If the tag moves meanwhile, the image that it refers to at
 * the end is indexed.
 *
 * @throws FunctionError `IMAGE_MISSING`, `NO_INDEX`, `ACCESS_DENIED`, `DEADLINE_NEAR`.
 */
export async function indexAtDeploy(job: DeployJob): Promise<IndexResult> {
  const { request, log } = job;
  const result = await retryUntilDone(() => indexOnce(job), job);
  log.info(`${describeImage(request)}: ${result.attributes.outcome}`, { ...result.attributes });
  return result;
}

async function indexOnce({ request, openRepository, log, progress, signal }: DeployJob): Promise<IndexResult> {
  const { tag, settings } = request;
  const repository = openRepository();
  const digest = await resolveImage(request, repository, signal);
  const outcome = await indexDigest({ repository, digest, tag, settings, log, progress, signal });
  const result = resultOf(request, digest, outcome);
  if (result !== undefined) return result;
  if (outcome.outcome === 'indexed') throw new Error('a created index always has a result');
  const message = `cannot create a SOCI index for ${describeImage(request)} (${outcome.reason}): ${outcome.message}`;
  throw new FunctionError(CODES[outcome.reason] ?? 'NO_INDEX', message);
}

/** Error codes of reasons. All other reasons have the code `NO_INDEX`. */
const CODES: Readonly<Partial<Record<SkipReason | FailReason, FunctionErrorCode>>> = {
  'tag-moved': 'TRY_AGAIN',
  'access-denied': 'ACCESS_DENIED',
  deadline: 'DEADLINE_NEAR',
};

/** Resolves the digest of the image. @throws FunctionError `IMAGE_MISSING`, or an error of the repository. */
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
    const message = `${describeImage(request)} does not exist: push it before you deploy the stack`;
    throw new FunctionError('IMAGE_MISSING', message, { cause: error });
  }
}

/** Returns `repository:tag` or `repository@digest`. */
function describeImage({ repository, tag, digest }: IndexRequest): string {
  return tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`;
}

/** Reasons for a missing index that do not fail the deployment. */
const NOTHING_TO_INDEX: ReadonlySet<SkipReason> = new Set([
  'layers-not-supported',
  'layers-too-small',
  'no-layers',
  'no-platform',
  'soci-enabled',
]);

/**
 * Returns the result of an outcome, or undefined if the image should have an index but has none.
 *
 * @param digest - Digest of the original image.
 */
function resultOf(request: IndexRequest, digest: string, outcome: Outcome): IndexResult | undefined {
  const { repository, settings, indexing } = request;
  if (outcome.outcome === 'failed') return undefined;
  const reason = outcome.outcome === 'skipped' ? outcome.reason : '';
  const { root, outputTag } = outcome;
  if (reason !== '' && reason !== 'already-indexed') {
    if (!NOTHING_TO_INDEX.has(reason)) return undefined;
    const attributes = { imageDigest: digest, outputTag: '', outcome: outcome.outcome, reason };
    return { resource: { repository, digest, indexing: NO_INDEX_CREATED }, attributes };
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
 * Returns the result for a deployment that does not wait: the original image, and the tag that the SOCI-enabled image will have.
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
