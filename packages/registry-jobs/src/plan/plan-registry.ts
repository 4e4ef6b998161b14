import type { CallOptions, ListedImage, RegistryCatalog } from '@soci/oci';
import { RegistryJobsError } from '../errors.ts';
import type { ImagePlan } from './image-plan.ts';
import { type ListedRepository, planRepository } from './plan-repository.ts';
import { type IndexPolicy, resolvePolicy } from './policy.ts';
import { readRootFacts, selectRoots } from './root-facts.ts';

/** What was found out about a repository. */
export type RepositoryReport = PlannedRepository | FailedRepository;

/** A repository and the plans of its tags. */
export interface PlannedRepository {
  readonly outcome: 'planned';
  readonly repository: string;
  readonly images: readonly ImagePlan[];
  /** The listing that the plans are made of. */
  readonly listed: ListedRepository;
}

/** A repository that could not be listed, for example because access was denied. */
export interface FailedRepository {
  readonly outcome: 'failed';
  readonly repository: string;
  readonly error: Error;
}

/** Options of {@link planRegistry}. */
export interface PlanOptions extends CallOptions {
  /**
   * Policy of all repositories, or a function that returns the one of a repository. If it throws, the repository is reported.
   *
   * @default every tag, version 2, output tag `{tag}-soci`
   */
  readonly policy?: IndexPolicy | ((repository: string) => Promise<IndexPolicy>);
  /** Maximum number of manifests in a repository. @default 1,000,000 */
  readonly maxImages?: number;
}

/** Ten times what Amazon ECR allows by default. */
const DEFAULT_MAX_IMAGES = 1_000_000;

/**
 * Lists repositories and plans each. A repository that cannot be listed is reported, and the next one follows. Reads manifests
 * only if the listing is not enough. The memory in use is that of one repository.
 *
 * @param repositories - Names of repositories, in the order of the result.
 * @throws RegistryJobsError `OPTION_INVALID`; the abort reason of the signal.
 */
export async function* planRegistry(
  catalog: RegistryCatalog,
  repositories: Iterable<string> | AsyncIterable<string>,
  options: PlanOptions = {},
): AsyncGenerator<RepositoryReport, void, undefined> {
  const { policy = {}, signal } = options;
  if (typeof policy !== 'function') resolvePolicy(policy);
  for await (const repository of repositories) {
    let report: RepositoryReport;
    try {
      const own = typeof policy === 'function' ? await policy(repository) : policy;
      const listed = await listRepository(catalog, repository, { ...options, policy: own });
      report = { outcome: 'planned', repository, images: planRepository(listed, own), listed };
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Error)) throw error;
      report = { outcome: 'failed', repository, error };
    }
    yield report;
  }
}

/**
 * Lists a repository, and reads the manifests that a plan needs.
 *
 * @throws RegistryJobsError `LIMIT_EXCEEDED`, `OPTION_INVALID`; errors of the catalog.
 */
export async function listRepository(
  catalog: RegistryCatalog,
  repository: string,
  { policy = {}, maxImages = DEFAULT_MAX_IMAGES, signal }: PlanOptions & { readonly policy?: IndexPolicy } = {},
): Promise<ListedRepository> {
  const call = signal === undefined ? {} : { signal };
  const images: ListedImage[] = [];
  for await (const page of catalog.images(repository, call)) {
    signal?.throwIfAborted();
    for (const image of page) images.push(image);
    if (images.length > maxImages) {
      const problem = `${repository} has more than ${maxImages} manifests`;
      throw new RegistryJobsError('LIMIT_EXCEEDED', `${problem}: raise the limit, or delete what is not needed`);
    }
  }
  const digests = selectRoots(images, resolvePolicy(policy));
  const roots = await readRootFacts(catalog, repository, digests, call);
  return { repository, images, lists: catalog.lists, roots };
}
