import type { Output } from '../terminal/output.ts';
import { formatBytes, pluralize } from '../terminal/quantity.ts';
import { numberColumns } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import type { PlannedWrite } from '../transports/dry-run.ts';

/** Returns the fields of `--json` for a dry run. */
export function dryRunAsJson(planned: readonly PlannedWrite[] | undefined): object {
  return planned === undefined ? {} : { dryRun: true, writes: planned };
}

/** Prints a table of what would be written. */
export async function printPlannedWrites(planned: readonly PlannedWrite[], output: Output): Promise<void> {
  await output.writeLine('This would be written:');
  const rows = planned.map(({ digest, size, mediaType, mountedFrom }) => {
    const mount = mountedFrom === undefined ? '' : `, mounted from ${printable(mountedFrom)}`;
    return [digest, formatBytes(size), `${printable(mediaType)}${mount}`];
  });
  await output.writeTable([{ title: 'DIGEST' }, ...numberColumns('SIZE'), { title: 'TYPE', flexible: true }], rows);
  await output.writeLine();
}

/** Sums up a dry run, in one line. */
export function describeDryRun(planned: readonly PlannedWrite[]): string {
  if (planned.length === 0) return 'Dry run: nothing would be written.';
  const size = formatBytes(planned.reduce((sum, each) => sum + each.size, 0));
  return `Dry run: nothing was written. Without --dry-run, ${pluralize(planned.length, 'blob')} (${size}) would be written, with the tags.`;
}
