import {
  type Descriptor,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  OciError,
  parseDigest,
  parseImageIndex,
  type Referral,
} from '@soci/oci';
import { mediaTypeOf } from '../client/answer.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import type { Context } from '../repository-context.ts';
import { describeRequest } from '../transport/http-message.ts';
import { readPages } from './pages.ts';
import { addToReferrersTag, readReferrersTag, removeFromReferrersTag } from './referrers-tag.ts';

/** How registries without the referrers API say so. */
const NO_API = [400, 404, 405, 501];

/**
 * Lists the manifests whose subject is `subject`: by the referrers API or, where the registry has none, from the index
 * that clients keep under a tag.
 *
 * @see OCI distribution-spec v1.1, "Listing Referrers" and "Referrers Tag Schema"
 */
export async function* listReferrers(
  context: Context,
  subject: Descriptor,
  artifactType: string | undefined,
): AsyncGenerator<Descriptor, void, undefined> {
  parseDigest(subject.digest);
  if (context.traits.hasReferrersApi !== false) {
    for await (const page of readPages(context, firstPage(context, subject.digest, artifactType))) {
      noteApi(context, page);
      if (page.status >= 300 || !context.traits.hasReferrersApi) break;
      const isFiltered = /\bartifactType\b/.test(page.headers['oci-filters-applied'] ?? '');
      for (const referrer of parsePage(context, page)) {
        // Of a registry that filtered, an entry without the field is one that passed.
        const type = referrer.artifactType ?? (isFiltered ? artifactType : undefined);
        if (artifactType === undefined || type === artifactType) yield referrer;
      }
    }
    if (context.traits.hasReferrersApi) return;
  }
  for (const referrer of await readReferrersTag(context, subject.digest)) {
    if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
  }
}

/**
 * Sees to it that a manifest is listed as a referrer of its subject: where the registry did not acknowledge the subject
 * and has no referrers API, it is written into the index under the tag.
 */
export async function announceReferrer(
  context: Context,
  { subject, referrer }: Referral,
  isAcknowledged: boolean,
): Promise<void> {
  if (isAcknowledged) context.traits.hasReferrersApi = true;
  else if (!(await hasReferrersApi(context, subject))) await addToReferrersTag(context, subject, referrer);
}

/** Takes a manifest that is gone off the list of its subject's referrers, unless the registry does that itself. */
export async function retractReferrer(context: Context, { subject, referrer }: Referral): Promise<void> {
  if (await hasReferrersApi(context, subject)) return;
  await removeFromReferrersTag(context, subject, referrer.digest);
}

/** Whether the registry has the API: remembered, or asked with the subject at hand. */
async function hasReferrersApi(context: Context, subject: string): Promise<boolean> {
  if (context.traits.hasReferrersApi === undefined) {
    for await (const page of readPages(context, firstPage(context, subject, undefined))) {
      noteApi(context, page);
      break;
    }
  }
  return context.traits.hasReferrersApi === true;
}

function firstPage({ path, traits }: Context, digest: string, artifactType: string | undefined) {
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  return {
    target: `/v2/${path}/referrers/${digest}${query}`,
    accept: MEDIA_TYPE_OCI_IMAGE_INDEX,
    expected: traits.hasReferrersApi ? [404] : NO_API,
  };
}

/** Remembers what the first answer tells of the registry. A repository that is unknown tells nothing of it. */
function noteApi({ traits }: Context, page: WholeResponse): void {
  if (traits.hasReferrersApi !== undefined) return;
  // Some answer what they do not know with 200 and a page for people. @see oras-go, registry/remote, `referrersPageByAPI`
  if (page.status < 300) traits.hasReferrersApi = mediaTypeOf(page) !== 'text/html';
  else if (!new TextDecoder().decode(page.body).includes('NAME_UNKNOWN')) traits.hasReferrersApi = false;
}

function parsePage({ limits }: Context, page: WholeResponse): readonly Descriptor[] {
  try {
    return parseImageIndex(page.body, undefined, limits).manifests;
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    throw new OciError(error.code, `${describeRequest('GET', page.url)}: ${error.message}`, { cause: error });
  }
}
