import type { RegistryCatalog } from '@soci/oci';
import { type IndexPolicy, type PlannedRepository, planRegistry, type RepositoryReport } from '@soci/registry-jobs';
import type { CommandContext } from '../command/command.ts';
import { CliError, usageError } from '../errors.ts';
import { describeError } from '../terminal/describe-error.ts';
import { pluralize } from '../terminal/quantity.ts';

/** What {@link planRepositories} plans. */
export interface PlanRequest {
  readonly catalog: RegistryCatalog;
  readonly host: string;
  readonly repositories: readonly string[];
  readonly policy: IndexPolicy;
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
  { catalog, host, repositories, policy }: PlanRequest,
  { output, signal }: Pick<CommandContext, 'output' | 'signal'>,
  use: (report: PlannedRepository) => void | Promise<void>,
): Promise<readonly Extract<RepositoryReport, { outcome: 'failed' }>[]> {
  const failed: Extract<RepositoryReport, { outcome: 'failed' }>[] = [];
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
        output.warn(`${host}/${report.repository} is skipped: ${describeError(report.error).message}`, {
          isIncomplete: true,
        });
        continue;
      }
      checkPushTimes(report, policy, host);
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

function checkPushTimes({ images, repository }: PlannedRepository, { newerThan }: IndexPolicy, host: string): void {
  if (newerThan === undefined || images.every(({ pushedAt }) => pushedAt !== undefined)) return;
  throw usageError(
    `--newer-than: ${host} does not report when the images of ${repository} were pushed`,
    'Select images by their tags, with --filter.',
  );
}
