import { type CallOptions, isTag } from '@soci/oci';
import { type RepositoryScope, scopeFor } from '../auth/scope.ts';
import { invalidResponse, parseJsonResponse } from '../client/check-response.ts';
import type { RegistryHttp, WholeResponse } from '../client/registry-http.ts';
import { RegistryError } from '../errors.ts';
import type { Context } from '../repository-context.ts';

/** Maximum number of pages: 100,000 entries of a registry that returns 50 per page, two million of most others. */
const MAX_PAGES = 2_000;

/** Maximum size of a page: the limit of `@soci/oci` for an image index. */
const MAX_PAGE_SIZE = 4_194_304;

/** The registry, or the repository, that a list belongs to. */
export interface ListOwner extends CallOptions {
  readonly http: RegistryHttp;
  /** Its name in messages. */
  readonly name: string;
  /** Permissions that the list requires. */
  readonly scope: readonly RepositoryScope[];
}

/** Request for a paginated list. */
export interface PageRequest {
  /** Path and query of the first page. */
  readonly target: string;
  /** `Accept` header for every page. */
  readonly accept: string;
  /** Error statuses of the first page that are returned to the caller. @default [] */
  readonly expected?: readonly number[];
}

/**
 * Reads a paginated list, following `Link: <...>; rel="next"` on the registry.
 *
 * @throws RegistryError `RESPONSE_INVALID` if a link leads to another host or to an earlier page; `LIMIT_EXCEEDED` for
 * too many pages
 * @see OCI distribution-spec v1.1, "Listing Tags"; RFC 8288
 */
export async function* readPages(
  { http, name, scope, signal }: ListOwner,
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
      scope,
      ...(signal && { signal }),
    } as const;
    const response: WholeResponse = await http.exchange(request, MAX_PAGE_SIZE);
    yield response;
    seen.add(response.url.href);
    next = nextPage(http, response);
    if (next !== undefined && seen.has(next.href)) {
      throw invalidResponse('GET', response, 'links to a page that was read before');
    }
    if (next !== undefined && seen.size >= MAX_PAGES) {
      throw new RegistryError('LIMIT_EXCEEDED', `${name}: the list has more than ${MAX_PAGES} pages`, {
        request: `GET ${response.url.origin}${response.url.pathname}`,
      });
    }
  }
}

function nextPage(http: RegistryHttp, response: WholeResponse): URL | undefined {
  const [, link] = /<([^<>]*)>\s*;[^<]*\brel\s*=\s*"?next\b/i.exec(response.headers.link ?? '') ?? [];
  if (link === undefined) return undefined;
  const url = URL.canParse(link, response.url.href) ? new URL(link, response.url) : undefined;
  if (url?.origin === http.origin) return url;
  throw invalidResponse('GET', response, 'links to a page on another host');
}

/** Requested number of entries per page: the maximum of Amazon ECR. */
export const PAGE_LENGTH = 1_000;

/** Returns a repository as the owner of its lists. */
export function repositoryLists({ http, name, path, signal }: Context): ListOwner {
  return { http, name, scope: scopeFor(path, 'pull'), ...(signal && { signal }) };
}

/** Lists all tags of the repository, in the order of the registry. @see OCI distribution-spec v1.1, "Listing Tags" */
export async function* listTags(context: Context): AsyncGenerator<string, void, undefined> {
  const target = `/v2/${context.path}/tags/list?n=${PAGE_LENGTH}`;
  for await (const page of readPages(repositoryLists(context), { target, accept: 'application/json' })) {
    // Some registries return null for a repository without tags.
    const tags = parseJsonResponse(page).tags ?? [];
    if (!Array.isArray(tags)) throw invalidResponse('GET', page, 'contains no list of tags');
    for (const tag of tags) {
      if (typeof tag === 'string' && isTag(tag)) yield tag;
      else throw invalidResponse('GET', page, 'contains an invalid tag');
    }
  }
}
