/** Violations of RFC 1951 in one block of a stream. Decoders reject all of them. */
export const DEFLATE_FAULTS = [
  'reserved-type',
  'stored-length',
  'oversubscribed-literals',
  'incomplete-literals',
  'oversubscribed-distances',
  'incomplete-distances',
  'oversubscribed-lengths',
  'incomplete-lengths',
  'no-end-of-block',
  'repeat-nothing',
  'repeat-beyond-end',
  'too-many-literals',
  'too-many-distances',
  'distance-too-far',
  'reserved-literal',
  'reserved-distance',
] as const;

/** One of {@link DEFLATE_FAULTS}. */
export type DeflateFault = (typeof DEFLATE_FAULTS)[number];

/** Returns the type of block that a fault needs, or undefined if any type will do. */
export function blockTypeOf(fault: DeflateFault | undefined): 'stored' | 'fixed' | 'dynamic' | undefined {
  switch (fault) {
    case undefined:
    case 'reserved-type':
      return undefined;
    case 'stored-length':
      return 'stored';
    case 'distance-too-far':
    case 'reserved-literal':
    case 'reserved-distance':
      return 'fixed';
    default:
      return 'dynamic';
  }
}
