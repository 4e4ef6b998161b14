import { isTag } from '@soci/oci';
import { invalidAnswer, readJsonAnswer } from '../client/answer.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import { RegistryError } from '../errors.ts';
import { type Context, exchange } from '../repository-context.ts';

/** Pages of one list; of the usual 1,000 entries they are a million. */
const MAX_PAGES = 1_000;

/** Of a page: what `@soci/oci` takes of an image index. */
const MAX_PAGE_SIZE = 4_194_304;

/** What a list of pages is asked for. */
export interface PageRequest {
  /** Path and query of the first page. */
  readonly target: string;
  /** `Accept` of every page. */
  readonly accept: string;
  /** Statuses of the first page that are answers, and the only one then. @default [] */
  readonly expected?: readonly number[];
}

/**
 * Reads a list that comes in pages, following `Link: <...>; rel="next"` on the registry itself.
 *
 * @throws RegistryError `RESPONSE_INVALID` where pages lead elsewhere or in a circle; `LIMIT_EXCEEDED` for too many.
 * @see OCI distribution-spec v1.1, "Listing Tags"; RFC 8288
 */
export async function* readPages(
  context: Context,
  { target, accept, expected = [] }: PageRequest,
): AsyncGenerator<WholeResponse, void, undefined> {
  const seen = new Set<string>();
  let next: string | URL | undefined = target;
  while (next !== undefined) {
    const request = {
      method: 'GET',
      target: next,
      headers: { accept },
      expected: seen.size === 0 ? expected : [],
    } as const;
    const response: WholeResponse = await exchange(context, 'pull', request, MAX_PAGE_SIZE);
    yield response;
    seen.add(response.url.href);
    next = nextPage(context, response);
    if (next !== undefined && seen.has(next.href)) {
      throw invalidAnswer('GET', response, 'leads to a page that was read before: its pages go in a circle');
    }
    if (next !== undefined && seen.size >= MAX_PAGES) {
      throw new RegistryError('LIMIT_EXCEEDED', `${context.name}: a list has more than ${MAX_PAGES} pages`, {
        request: `GET ${response.url.origin}${response.url.pathname}`,
      });
    }
  }
}

function nextPage({ http }: Context, response: WholeResponse): URL | undefined {
  const [, link] = /<([^<>]*)>\s*;[^<]*\brel\s*=\s*"?next\b/i.exec(response.headers.link ?? '') ?? [];
  if (link === undefined) return undefined;
  const url = URL.canParse(link, response.url.href) ? new URL(link, response.url) : undefined;
  if (url?.origin === http.origin) return url;
  throw invalidAnswer('GET', response, 'leads to a next page that is not on the registry');
}

/** As many as Amazon ECR gives at a time. */
const PAGE_LENGTH = 1_000;

/** Every tag of the repository, in the registry's order. @see OCI distribution-spec v1.1, "Listing Tags" */
export async function* listTags(context: Context): AsyncGenerator<string, void, undefined> {
  const target = `/v2/${context.path}/tags/list?n=${PAGE_LENGTH}`;
  for await (const page of readPages(context, { target, accept: 'application/json' })) {
    // A repository without tags may have null in their place.
    const tags = readJsonAnswer(page).tags ?? [];
    if (!Array.isArray(tags)) throw invalidAnswer('GET', page, 'has no list of tags');
    for (const tag of tags) {
      if (typeof tag === 'string' && isTag(tag)) yield tag;
      else throw invalidAnswer('GET', page, 'lists a tag that is none');
    }
  }
}
