import type { Outcome, SkipReason } from '../generator/outcome.ts';
import { type IndexedResource, NOTHING_MADE } from './resource-id.ts';
import type { IndexRequest } from './resource-properties.ts';

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
export function resultOf(request: IndexRequest, digest: string, outcome: Outcome): IndexResult | undefined {
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
