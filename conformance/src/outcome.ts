/** What a zTOC is, briefly: two zTOCs with the same digest are the same bytes. The other members help to see where they differ. */
export interface ZtocSummary {
  readonly digest: string;
  /** Bytes of the zTOC itself. */
  readonly size: number;
  readonly maxSpanId: number;
  readonly files: number;
  readonly compressedArchiveSize: number;
  readonly uncompressedArchiveSize: number;
}

/** What became of a layer: a zTOC, a refusal with the error's words, or a fault, which is a crash or an error of the wrong class. */
export type Outcome =
  | { readonly kind: 'built'; readonly summary: ZtocSummary; readonly ztoc: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: string; readonly code?: string }
  | { readonly kind: 'fault'; readonly reason: string };

/** How ours differs from the reference's. Differences with the same signature are likely to have the same cause. */
export interface Difference {
  readonly signature: string;
  readonly details: string;
}

/** The difference between two outcomes for one layer; undefined where there is none: both built the same bytes, both refused, or a limit of ours was passed. */
export function findDifference(ours: Outcome, reference: Outcome): Difference | undefined {
  if (ours.kind === 'fault')
    return { signature: 'ours: fault', details: `ours: ${ours.reason}\nreference: ${describe(reference)}` };
  if (reference.kind === 'fault')
    return { signature: 'reference: fault', details: `reference: ${reference.reason}\nours: ${describe(ours)}` };
  if (isLimited(ours)) return undefined;
  if (ours.kind !== reference.kind) {
    const refusal =
      ours.kind === 'refused'
        ? `only ours refuses: ${gist(ours.reason)}`
        : `only the reference refuses: ${gist(describe(reference))}`;
    return { signature: refusal, details: `ours: ${describe(ours)}\nreference: ${describe(reference)}` };
  }
  if (ours.kind === 'refused' || reference.kind === 'refused') return undefined;
  if (ours.summary.digest === reference.summary.digest) return undefined;
  const members = (Object.keys(ours.summary) as (keyof ZtocSummary)[]).filter(
    (key) => ours.summary[key] !== reference.summary[key],
  );
  return {
    signature: `other bytes: ${members.filter((member) => member !== 'size').join(', ')}`,
    details: members.map((key) => `${key}: ours ${ours.summary[key]}, reference ${reference.summary[key]}`).join('\n'),
  };
}

/** Whether one of our named limits was passed. The reference has none, so that it may build what we refuse to take on. */
export function isLimited(outcome: Outcome): boolean {
  return outcome.kind === 'refused' && outcome.code === 'LIMIT_EXCEEDED';
}

/** An outcome in a line. */
export function describe(outcome: Outcome): string {
  return outcome.kind === 'built' ? `zTOC ${outcome.summary.digest}` : `${outcome.kind}: ${outcome.reason}`;
}

/** What an error says before it goes into particulars: its first two clauses, without numbers. */
function gist(reason: string): string {
  return reason.replace(/-?\d+/g, 'N').split(': ').slice(0, 2).join(': ');
}
