import { invalidResponse, parseJsonResponse } from '../client/check-response.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import { RegistryError, withMessage } from '../errors.ts';
import { describeRequest } from '../transport/http-message.ts';
import { type ListOwner, PAGE_LENGTH, readPages } from './pages.ts';

/** Maximum number of repositories: five times the default quota of Amazon ECR. */
const MAX_REPOSITORIES = 500_000;

/** Statuses of registries that do not list repositories. */
const NO_CATALOG_STATUSES = [404, 405, 501];

/** Visible ASCII characters, at most as many as a repository name has. A name may violate the specification otherwise. */
const NAME = /^[!-~]{1,255}$/;

const REMEDY = 'many registries do not list their repositories: name the repositories instead';

/**
 * Lists the names of all repositories. The registry asks for the scope `registry:catalog:*` if it uses tokens. A name
 * that is not valid in the specification is listed, so that its use fails for this repository only.
 *
 * @see distribution, docs/spec/api.md, "Listing Repositories"
 */
export async function* listRepositories(owner: ListOwner): AsyncGenerator<string, void, undefined> {
  const seen = new Set<string>();
  const target = `/v2/_catalog?n=${PAGE_LENGTH}`;
  try {
    for await (const page of readPages(owner, { target, accept: 'application/json', expected: NO_CATALOG_STATUSES })) {
      for (const name of readNames(owner, page)) {
        if (seen.has(name)) continue;
        if (seen.size >= MAX_REPOSITORIES) {
          throw new RegistryError('LIMIT_EXCEEDED', `${owner.name} lists more than ${MAX_REPOSITORIES} repositories`);
        }
        seen.add(name);
        yield name;
      }
    }
  } catch (error) {
    if (!(error instanceof RegistryError) || (error.status !== 401 && error.status !== 403)) throw error;
    throw withMessage(error, `${error.message}; ${REMEDY}`);
  }
}

function readNames({ name }: ListOwner, page: WholeResponse): readonly string[] {
  const { status } = page;
  if (status >= 300) {
    const request = describeRequest('GET', page.url);
    const message = `cannot list the repositories of ${name}: ${request} failed with status ${status}; ${REMEDY}`;
    throw new RegistryError('UNSUPPORTED', message, { request, status });
  }
  const names = parseJsonResponse(page).repositories ?? [];
  if (!Array.isArray(names)) throw invalidResponse('GET', page, 'contains no list of repositories');
  return names.map((value: unknown) => {
    if (typeof value === 'string' && NAME.test(value)) return value;
    throw invalidResponse('GET', page, 'contains an invalid repository name');
  });
}
