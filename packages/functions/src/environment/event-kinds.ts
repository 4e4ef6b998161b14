import type { EcrEventKind } from '@soci/filter';
import type { VariableReader } from './variables.ts';

const KINDS: readonly EcrEventKind[] = ['push', 'replication', 'pull-through-cache'];

/** Reads `soci_event_kinds`: kinds of event, separated by commas. */
export function readEventKinds(variables: VariableReader): readonly EcrEventKind[] {
  const text = variables.optional('soci_event_kinds') ?? 'push';
  return variables.parsed('soci_event_kinds', text, KINDS, (list) =>
    list.split(',').map((entry) => {
      const kind = KINDS.find((each) => each === entry.trim());
      if (kind === undefined)
        throw new Error(`${JSON.stringify(entry.trim().slice(0, 80))} is none of ${KINDS.join(', ')}`);
      return kind;
    }),
  );
}
