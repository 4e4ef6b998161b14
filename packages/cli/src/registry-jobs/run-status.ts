import { describeRepository, findGarbage, type RepositoryStatus } from '@soci/registry-jobs';
import { type CommandArguments, type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import { describeError } from '../terminal/describe-error.ts';
import type { Output } from '../terminal/output.ts';
import { formatBytes, formatCount, pluralize } from '../terminal/quantity.ts';
import { numberColumns } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import { toRegistryAccess } from '../transports/registry-options.ts';
import { RegistryStores } from '../transports/registry-stores.ts';
import { type POLICY_OPTIONS, toBulkSettings } from './bulk-options.ts';
import { planRepositories } from './plan-repositories.ts';
import { findRepositories, openCatalog, parseRegistryGlobs } from './registry-globs.ts';

/** A row of the table. */
interface StatusRow extends RepositoryStatus {
  /** Number of manifests that `gc` can delete, of any age. */
  readonly garbage: number;
}

/** Runs `status`. */
export async function runStatus(
  { operands, options }: CommandArguments<typeof POLICY_OPTIONS>,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const globs = parseRegistryGlobs(operands);
  const { host } = globs;
  const settings = await toBulkSettings(options, signal);
  const { outputTag } = settings;
  const garbagePolicy = { olderThan: 0, ...(options['output-tag'] && { outputTags: [outputTag] }) };
  const stores = new RegistryStores(await toRegistryAccess(options, [], context));
  try {
    const catalog = openCatalog(host, stores, context.env);
    const repositories = await findRepositories(catalog, globs, context);
    const rows: StatusRow[] = [];
    const failed = await planRepositories(
      { catalog, host, repositories, settings, stores },
      context,
      async (report) => {
        const { items } = await findGarbage(catalog, report.repository, garbagePolicy, { signal });
        rows.push({ ...(await describeRepository(catalog, report, { signal })), garbage: items.length });
      },
    );
    if (output.json) {
      const errors = failed.map(({ repository, error }) => ({ repository, error: describeError(error) }));
      await output.writeJson({ host, repositories: rows, failed: errors });
    } else {
      await printStatus(rows, output);
    }
    return EXIT.SUCCESS;
  } finally {
    stores.close();
  }
}

async function printStatus(rows: readonly StatusRow[], output: Output): Promise<void> {
  const columns = [
    { title: 'REPOSITORY', flexible: true },
    ...numberColumns('IMAGES', 'INDEXED', 'MISSING', 'STALE', 'SKIPPED', 'GARBAGE', 'INDEXES'),
  ];
  const cells = rows.map(({ repository, images, indexed, missing, stale, skipped, garbage, indexBytes }) => [
    printable(repository),
    ...[images, indexed, missing, stale, skipped, garbage].map(formatCount),
    formatBytes(indexBytes),
  ]);
  await output.writeTable(columns, cells);
  if (output.quiet) return;
  const sum = (field: 'images' | 'indexed') => rows.reduce((total, row) => total + row[field], 0);
  await output.writeLine();
  await output.writeLine(
    `${formatCount(sum('indexed'))} of ${pluralize(sum('images'), 'image')} have a current index.`,
  );
}
