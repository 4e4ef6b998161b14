import { describe, expect, it } from 'vitest';
import { findDifference, type Outcome } from './outcome.ts';

const summary = {
  digest: 'sha256:a',
  size: 1,
  maxSpanId: 0,
  files: 1,
  compressedArchiveSize: 5,
  uncompressedArchiveSize: 9,
};
const built: Outcome = { kind: 'built', summary, ztoc: new Uint8Array() };
const refused: Outcome = {
  kind: 'refused',
  reason: 'TAR_INVALID: the header at byte 512 is wrong',
  code: 'TAR_INVALID',
};
const fault: Outcome = { kind: 'fault', reason: 'TypeError: x is undefined' };

describe('findDifference', () => {
  it('finds no difference if both built the same bytes or both rejected the layer', () => {
    expect(findDifference(built, { ...built })).toBeUndefined();
    expect(findDifference(refused, { kind: 'refused', reason: 'archive/tar: invalid tar header' })).toBeUndefined();
  });

  it('finds a difference if only one rejects the layer', () => {
    expect(findDifference(refused, built)?.signature).toBe(
      'only ours refuses: TAR_INVALID: the header at byte N is wrong',
    );
    expect(findDifference(built, refused)?.signature).toMatch(/^only the reference refuses/);
  });

  it('lists the members that differ', () => {
    const other: Outcome = { ...built, summary: { ...summary, digest: 'sha256:b', maxSpanId: 3 } };
    expect(findDifference(built, other)?.signature).toBe('other bytes: digest, maxSpanId');
  });

  it('finds a difference if one has a fault, even if the other rejects the layer', () => {
    expect(findDifference(fault, refused)?.signature).toBe('ours: fault');
    expect(findDifference(refused, fault)?.signature).toBe('reference: fault');
  });

  it('finds no difference if our build stopped at a limit', () => {
    expect(
      findDifference({ kind: 'refused', reason: 'LIMIT_EXCEEDED: too many', code: 'LIMIT_EXCEEDED' }, built),
    ).toBeUndefined();
  });
});
