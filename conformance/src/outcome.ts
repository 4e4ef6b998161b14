/** Summary of a zTOC. Two zTOCs with the same digest are equal. The other members help to locate a difference. */
export interface ZtocSummary {
  readonly digest: string;
  /** Size of the zTOC, in bytes. */
  readonly size: number;
  readonly maxSpanId: number;
  readonly files: number;
  readonly compressedArchiveSize: number;
  readonly uncompressedArchiveSize: number;
}

/**
 * The outcome for a layer: a zTOC, a rejection with its error message, or a fault, which is a crash or an unexpected
 * error.
 */
export type Outcome =
  | { readonly kind: 'built'; readonly summary: ZtocSummary; readonly ztoc: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: string; readonly code?: string; readonly offset?: number | undefined }
  | { readonly kind: 'fault'; readonly reason: string };

/** A difference between our outcome and that of the reference. Equal signatures probably have the same cause. */
export interface Difference {
  readonly signature: string;
  readonly details: string;
}

/**
 * Compares two outcomes for one layer. Returns undefined if both built the same bytes, both rejected the layer, or our
 * build stopped at a limit.
 */
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

/** Reports whether our build stopped at one of its limits. The reference has no limits and may build the layer. */
export function isLimited(outcome: Outcome): boolean {
  return outcome.kind === 'refused' && outcome.code === 'LIMIT_EXCEEDED';
}

/** Formats an outcome as one line. */
export function describe(outcome: Outcome): string {
  return outcome.kind === 'built' ? `zTOC ${outcome.summary.digest}` : `${outcome.kind}: ${outcome.reason}`;
}

/** Returns the first two clauses of an error message, without numbers. */
function gist(reason: string): string {
  return reason.replace(/-?\d+/g, 'N').split(': ').slice(0, 2).join(': ');
}
