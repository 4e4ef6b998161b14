import {
  type Descriptor,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  OciError,
  parseDigest,
  parseImageIndex,
  type Referral,
} from '@soci/oci';
import { mediaTypeOf } from '../client/check-response.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import type { Context } from '../repository-context.ts';
import { describeRequest } from '../transport/http-message.ts';
import { readPages, repositoryLists } from './pages.ts';
import { addToReferrersTag, readReferrersTag, removeFromReferrersTag } from './referrers-tag.ts';

/** Statuses that indicate a missing referrers API. */
const NO_API_STATUSES = [400, 404, 405, 501];

/**
 * Lists the manifests whose subject is `subject`, with the referrers API or, if the registry has none, from the index
 * under the referrers tag.
 *
 * @see OCI distribution-spec v1.1, "Listing Referrers" and "Referrers Tag Schema"
 */
export async function* listReferrers(
  context: Context,
  subject: Descriptor,
  artifactType: string | undefined,
): AsyncGenerator<Descriptor, void, undefined> {
  parseDigest(subject.digest);
  if (context.capabilities.hasReferrersApi !== false) {
    for await (const page of readPages(repositoryLists(context), firstPage(context, subject.digest, artifactType))) {
      detectReferrersApi(context, page);
      if (page.status >= 300 || !context.capabilities.hasReferrersApi) break;
      const isFiltered = /\bartifactType\b/.test(page.headers['oci-filters-applied'] ?? '');
      for (const referrer of parsePage(context, page)) {
        // If the registry filtered, entries without an artifactType match.
        const type = referrer.artifactType ?? (isFiltered ? artifactType : undefined);
        if (artifactType === undefined || type === artifactType) yield referrer;
      }
    }
    if (context.capabilities.hasReferrersApi) return;
  }
  for (const referrer of await readReferrersTag(context, subject.digest)) {
    if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
  }
}

/**
 * Makes a manifest a referrer of its subject: updates the referrers tag if the registry did not acknowledge the subject
 * and has no referrers API.
 */
export async function addReferrer(
  context: Context,
  { subject, referrer }: Referral,
  isAcknowledged: boolean,
): Promise<void> {
  if (isAcknowledged) context.capabilities.hasReferrersApi = true;
  else if (!(await hasReferrersApi(context, subject))) await addToReferrersTag(context, subject, referrer);
}

/** Removes a deleted manifest from the referrers of its subject, unless the registry does so itself. */
export async function removeReferrer(context: Context, { subject, referrer }: Referral): Promise<void> {
  if (await hasReferrersApi(context, subject)) return;
  await removeFromReferrersTag(context, subject, referrer.digest);
}

/** Reports whether the registry has the referrers API. Requests the referrers of `subject` if this is not known yet. */
async function hasReferrersApi(context: Context, subject: string): Promise<boolean> {
  if (context.capabilities.hasReferrersApi === undefined) {
    for await (const page of readPages(repositoryLists(context), firstPage(context, subject, undefined))) {
      detectReferrersApi(context, page);
      break;
    }
  }
  return context.capabilities.hasReferrersApi === true;
}

function firstPage({ path, capabilities }: Context, digest: string, artifactType: string | undefined) {
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  return {
    target: `/v2/${path}/referrers/${digest}${query}`,
    accept: MEDIA_TYPE_OCI_IMAGE_INDEX,
    expected: capabilities.hasReferrersApi ? [404] : NO_API_STATUSES,
  };
}

/** Detects the referrers API from the first response. An unknown repository proves nothing. */
function detectReferrersApi({ capabilities }: Context, page: WholeResponse): void {
  if (capabilities.hasReferrersApi !== undefined) return;
  // Some registries respond to unknown paths with 200 and an HTML page. oras-go makes the same check (registry/remote,
  // `referrersPageByAPI`).
  if (page.status < 300) capabilities.hasReferrersApi = mediaTypeOf(page) !== 'text/html';
  else if (!new TextDecoder().decode(page.body).includes('NAME_UNKNOWN')) capabilities.hasReferrersApi = false;
}

function parsePage({ limits }: Context, page: WholeResponse): readonly Descriptor[] {
  try {
    return parseImageIndex(page.body, undefined, limits).manifests;
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    throw new OciError(error.code, `${describeRequest('GET', page.url)}: ${error.message}`, { cause: error });
  }
}
