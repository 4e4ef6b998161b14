import { type Filters, parseFilters, repositoryPatterns } from '@soci/filter';
import type { RegistryCatalog } from '@soci/oci';
import type { JobsSettings } from '../environment/jobs-settings.ts';
import { FunctionError } from '../errors.ts';
import type { GeneratorDescription } from '../generator/describe-settings.ts';
import type { Log } from '../invocation.ts';
import { parseRun, type Run, type RunRequest, type StoredItems, settingsIn } from './run.ts';
import type { RunStore } from './store.ts';

/** Response of the first step. */
export interface PlannedRun {
  readonly run: Run;
  /** Names of the repositories to list. */
  readonly repositories: StoredItems;
}

/** Dependencies of {@link planRun}. */
export interface PlanContext {
  readonly settings: Pick<JobsSettings, 'filters' | 'version' | 'outputTag' | 'garbage'>;
  readonly catalog: Pick<RegistryCatalog, 'repositories'>;
  readonly store: Pick<RunStore, 'put'>;
  readonly log: Log;
}

/**
 * First step of a run: writes the names of the repositories that a filter can match.
 *
 * @throws FunctionError `INPUT_INVALID`, `RUN_ACTIVE`, `SETTINGS_DIFFER`; errors of the catalog and of the store.
 */
export async function planRun(
  request: Partial<RunRequest>,
  { settings, catalog, store, log }: PlanContext,
): Promise<PlannedRun> {
  const run = parseRun(request, settings.garbage.mode);
  checkGenerator(settingsIn(request.generator), settings);
  const matches = repositoryMatcher(filtersOf(run, settings.filters));
  const names: string[] = [];
  let all = 0;
  for await (const name of catalog.repositories()) {
    all += 1;
    if (matches(name)) names.push(name);
  }
  const key = `${run.prefix}/repositories.json`;
  await store.put(key, names);
  log.info(`${names.length} of ${all} repositories match the filters`, { run: run.name, repositories: names.length });
  return { run, repositories: { key, count: names.length } };
}

/** @throws FunctionError `SETTINGS_DIFFER` if the plan would look for other indexes than those that the generator creates. */
function checkGenerator(
  generator: Partial<GeneratorDescription['settings']>,
  { version, outputTag }: Pick<JobsSettings, 'version' | 'outputTag'>,
): void {
  const { version: created = version, outputTag: tag = outputTag.template } = generator;
  const fail = (what: string, one: string, other: string) => {
    throw new FunctionError(
      'SETTINGS_DIFFER',
      `the ${what} of the generator is ${one}, but that of the state machine is ${other}: deploy the state machine again with ${one}`,
    );
  };
  if (created !== version) fail('index version', `V${created}`, `V${version}`);
  if (version === 2 && tag !== outputTag.template) fail('output tag', tag, outputTag.template);
}

/** Returns the filters of a run: those of its input, or those of the settings. @throws FunctionError `INPUT_INVALID` */
export function filtersOf(run: Run, settings: Filters): Filters {
  if (run.filters === undefined) return settings;
  try {
    return parseFilters(run.filters);
  } catch (cause) {
    throw new FunctionError(
      'INPUT_INVALID',
      `the input of the execution is invalid: filters: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Returns a function that tells whether filters can match a tag of a repository. `!repository:*` excludes all of its tags. */
function repositoryMatcher(filters: Filters): (name: string) => boolean {
  const patterns = repositoryPatterns(filters).map((pattern) => `${pattern}:*`);
  const { include } = parseFilters(patterns.join(','));
  const exclude = filters.exclude.filter(({ text }) => text.endsWith(':*'));
  const matchesAny = (list: Filters['include'], name: string) => list.some((filter) => filter.matches(`${name}:v`));
  return (name) => matchesAny(include, name) && !matchesAny(exclude, name);
}
