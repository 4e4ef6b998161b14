import type { RegistryCatalog } from '@soci/oci';
import { type PlannedRepository, planRegistry, type RepositoryReport } from '@soci/registry-jobs';
import type { CommandContext } from '../command/command.ts';
import { CliError, usageError } from '../errors.ts';
import { describeError } from '../terminal/describe-error.ts';
import { pluralize } from '../terminal/quantity.ts';
import type { RegistryStores } from '../transports/registry-stores.ts';
import type { BulkSettings } from './bulk-options.ts';

/** What {@link planRepositories} plans. */
export interface PlanRequest {
  readonly catalog: RegistryCatalog;
  readonly host: string;
  readonly repositories: readonly string[];
  readonly settings: Pick<BulkSettings, 'policy' | 'policyIn'>;
  readonly stores: Pick<RegistryStores, 'open'>;
}

/**
 * Plans repositories one after the other. Warns about one that cannot be listed, and continues.
 *
 * @param use - Called for each plan. What it does not keep is released.
 * @returns The repositories that could not be listed.
 * @throws CliError with the code of the error if no repository can be listed; `USAGE_INVALID` for `--newer-than` if the registry
 * reports no push times.
 */
export async function planRepositories(
  { catalog, host, repositories, settings, stores }: PlanRequest,
  { output, signal }: Pick<CommandContext, 'output' | 'signal'>,
  use: (report: PlannedRepository) => void | Promise<void>,
): Promise<readonly Extract<RepositoryReport, { outcome: 'failed' }>[]> {
  const failed: Extract<RepositoryReport, { outcome: 'failed' }>[] = [];
  const policy = (repository: string) => settings.policyIn(stores.open({ host, repository }), signal);
  const progress = output.openProgress();
  try {
    let done = 0;
    const total = repositories.length;
    for await (const report of planRegistry(catalog, repositories, { policy, signal })) {
      progress.update({
        done: ++done,
        total,
        detail: `listed ${done} of ${pluralize(total, 'repository', 'repositories')}`,
      });
      if (report.outcome === 'failed') {
        failed.push(report);
        const problem = `${host}/${report.repository} is skipped: ${describeError(report.error).message}`;
        // A single one is the error of the command.
        if (total > 1) output.warn(problem, { isIncomplete: true });
        continue;
      }
      checkPushTimes(report, settings.policy, host);
      await use(report);
    }
  } finally {
    progress.close();
  }
  const [first] = failed;
  if (first !== undefined && failed.length === repositories.length) {
    const { code, message, remedy } = describeError(first.error);
    throw new CliError(code, `no repository of ${host} can be listed: ${message}`, { cause: first.error, remedy });
  }
  return failed;
}

function checkPushTimes(
  { images, repository }: PlannedRepository,
  { newerThan }: BulkSettings['policy'],
  host: string,
): void {
  if (newerThan === undefined || images.every(({ pushedAt }) => pushedAt !== undefined)) return;
  throw usageError(
    `--newer-than: ${host} does not report when the images of ${repository} were pushed`,
    'Select images by their tags, with --filter.',
  );
}
