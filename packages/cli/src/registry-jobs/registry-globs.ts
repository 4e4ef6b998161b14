import { openEcrCatalog, parseEcrHost } from '@soci/ecr';
import { FilterError, type Filters, parseFilters } from '@soci/filter';
import { parseReference, quoteText, type RegistryCatalog } from '@soci/oci';
import { openRegistryCatalog } from '@soci/registry';
import { CliError, usageError } from '../errors.ts';
import type { Output } from '../terminal/output.ts';
import { pluralize } from '../terminal/quantity.ts';
import type { RegistryStores } from '../transports/registry-stores.ts';

/** Forms of the names of repositories, for `--help`. */
export const GLOB_FORMS = 'repositories, with * ? [abc] in their names';

/** Repositories of one registry, from the command line. */
export interface RegistryGlobs {
  /** Host of the registry, with its port if given. */
  readonly host: string;
  readonly globs: readonly RepositoryGlob[];
}

/** A name of a repository, which may have wildcards. */
export interface RepositoryGlob {
  /** As on the command line. */
  readonly text: string;
  /** The part after the host. */
  readonly pattern: string;
  matches(repository: string): boolean;
}

/** Maximum number of repositories of a registry. Amazon ECR allows 100,000. */
const MAX_REPOSITORIES = 200_000;

/**
 * Parses `HOST/GLOB` operands.
 *
 * @throws CliError `USAGE_INVALID` for a name with a tag or a digest, an invalid glob, or several hosts.
 */
export function parseRegistryGlobs(texts: readonly string[]): RegistryGlobs {
  const parsed = texts.map(parseGlob);
  const hosts = [...new Set(parsed.map(({ host }) => host))];
  const [host = ''] = hosts;
  if (hosts.length > 1) {
    throw usageError(`the repositories are in several registries: ${hosts.join(', ')}`, 'Run the command for each.');
  }
  return { host, globs: parsed };
}

function parseGlob(text: string): RepositoryGlob & { readonly host: string } {
  const [, host = '', pattern = ''] = /^(?:docker:\/\/)?([^/]+)\/(.+)$/.exec(text) ?? [];
  if (host === '' || !/[.:]|^localhost$/.test(host)) {
    throw usageError(`${quoteText(text)} is not HOST/GLOB`, 'Example: registry.example.com/team/*');
  }
  const end = pattern.search(/[:@]/);
  if (end !== -1) {
    const filter = `--filter '${pattern.slice(0, end)}:${pattern.slice(end + 1)}'`;
    throw usageError(
      `${text}: a tag or digest is not allowed here`,
      pattern[end] === ':' ? `Write ${host}/${pattern.slice(0, end)}, and select tags with ${filter}.` : undefined,
    );
  }
  try {
    // The host is checked like that of an image.
    parseReference(`${host}/x`);
    const [filter] = parseFilters(`${pattern}:*`).include;
    return { text, host, pattern, matches: (repository) => filter?.matches(`${repository}:x`) === true };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const problem =
      error instanceof FilterError ? error.faults.map((fault) => fault.problem).join('; ') : error.message;
    throw usageError(`${text}: ${problem}`);
  }
}

/** Parses the value of `--filter`. @throws CliError `USAGE_INVALID` */
export function parseFilterOption(text: string): Filters {
  try {
    return parseFilters(text);
  } catch (error) {
    if (error instanceof FilterError) throw usageError(error.message);
    throw error;
  }
}

/**
 * Returns the names of the repositories that a glob matches, in the order of the alphabet. The registry is asked for its
 * repositories only if a glob has a wildcard: many registries do not list them. Warns about a glob that matches nothing.
 *
 * @throws CliError `NO_REPOSITORY` if no glob matches; errors of the catalog.
 */
export async function findRepositories(
  catalog: Pick<RegistryCatalog, 'repositories'>,
  { host, globs }: RegistryGlobs,
  { output, signal }: { readonly output: Output; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const found = new Set<string>();
  const matched = new Set<RepositoryGlob>();
  const hasWildcard = ({ pattern }: RepositoryGlob) => /[*?[]/.test(pattern);
  for (const glob of globs) {
    if (hasWildcard(glob)) continue;
    found.add(glob.pattern);
    matched.add(glob);
  }
  let listed = 0;
  if (globs.some(hasWildcard)) {
    for await (const repository of catalog.repositories({ signal })) {
      signal.throwIfAborted();
      if (++listed > MAX_REPOSITORIES) {
        throw new CliError('LIMIT_EXCEEDED', `${host} lists more than ${MAX_REPOSITORIES} repositories`, {
          remedy: 'Name the repositories without wildcards.',
        });
      }
      for (const glob of globs) {
        if (!glob.matches(repository)) continue;
        found.add(repository);
        matched.add(glob);
      }
    }
  }
  const unmatched = globs.filter((glob) => !matched.has(glob)).map(({ text }) => text);
  if (found.size === 0) {
    throw new CliError('NO_REPOSITORY', `no repository matches ${unmatched.join(', ')}`, {
      remedy: `${host} lists ${pluralize(listed, 'repository', 'repositories')}. Quote a glob, so that the shell does not expand it.`,
    });
  }
  for (const text of unmatched) output.warn(`no repository matches ${text}`);
  return [...found].sort();
}

/** Returns the catalog of a registry: from the API of Amazon ECR, or from the distribution API. */
export function openCatalog(
  host: string,
  stores: RegistryStores,
  env: Readonly<Record<string, string | undefined>>,
): RegistryCatalog {
  const registry = parseEcrHost(host);
  return registry === undefined ? openRegistryCatalog(stores.registry(host)) : openEcrCatalog({ registry, env });
}
