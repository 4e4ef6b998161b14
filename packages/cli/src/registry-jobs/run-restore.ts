import { type RestoreResult, readUndoFile, restoreGarbage } from '@soci/registry-jobs';
import { type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import { CliError, usageError } from '../errors.ts';
import { wrapFileError } from '../terminal/describe-error.ts';
import { pluralize } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';
import { toRegistryAccess } from '../transports/registry-options.ts';
import { RegistryStores } from '../transports/registry-stores.ts';
import { parseRegistryGlobs } from './registry-globs.ts';
import type { GcArguments } from './run-gc.ts';

/** Runs `gc --restore`. Operands select repositories of the undo file. */
export async function runRestore(
  path: string,
  { operands, options }: GcArguments,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const { header, manifests } = await readUndoFile(path).catch((error) => {
    throw 'code' in error && error.code === 'UNDO_INVALID' ? error : wrapFileError(path, error);
  });
  const { host } = header;
  const globs = operands.length === 0 ? undefined : parseRegistryGlobs(operands);
  if (globs !== undefined && globs.host !== host) {
    throw usageError(`${path} has the manifests of ${host}, not of ${globs.host}`);
  }
  const selected = manifests.filter(
    ({ repository }) => globs?.globs.some(({ matches }) => matches(repository)) ?? true,
  );
  const stores = new RegistryStores(await toRegistryAccess(options, [], context));
  const results: RestoreResult[] = [];
  const progress = output.openProgress();
  try {
    const open = (repository: string) => stores.open({ host, repository });
    for await (const result of restoreGarbage(selected, open, { signal })) {
      results.push(result);
      progress.update({ done: results.length, total: selected.length, detail: result.repository });
    }
  } finally {
    progress.close();
    stores.close();
  }
  if (output.json) await output.writeJson({ host, undo: path, results });
  else await printRestore(results, host, context);
  const lost = results.filter(({ outcome }) => outcome === 'incomplete' || outcome === 'failed');
  if (lost.length === 0) return EXIT.SUCCESS;
  throw new CliError('RESTORE_INCOMPLETE', `${pluralize(lost.length, 'manifest')} of ${path} could not be restored`, {
    remedy: 'Registries remove blobs that no manifest needs. Build the indexes again: soci-index backfill',
  });
}

async function printRestore(
  results: readonly RestoreResult[],
  host: string,
  { output }: CommandContext,
): Promise<void> {
  for (const { repository, digest, outcome, tags, missing = [], message } of results) {
    const name = `${host}/${printable(repository)}@${digest}`;
    if (outcome === 'incomplete') await output.writeLine(`${name}: not restored, ${missing.join(', ')} is gone`);
    if (outcome === 'failed') await output.writeLine(`${name}: not restored: ${printable(message ?? '')}`);
    for (const each of tags) {
      if (each.outcome !== 'elsewhere') continue;
      await output.writeLine(`${name}: the tag ${each.tag} leads to ${each.digest} now and was not moved`);
    }
  }
  const count = (wanted: RestoreResult['outcome']) => results.filter(({ outcome }) => outcome === wanted).length;
  const tags = results.flatMap((each) => each.tags).filter(({ outcome }) => outcome === 'restored').length;
  await output.writeLine(
    `Restored ${pluralize(count('restored'), 'manifest')} and ${pluralize(tags, 'tag')}; ${count('present')} existed.`,
  );
}
