import { describe, expect, it } from 'vitest';
import { decodeZtoc } from './decode-ztoc.ts';
import { decodeReferenceZtoc } from './encode-again.ts';
import { REFERENCE_ZTOCS, readReferenceZtoc } from './fixtures/reference-ztocs.ts';

describe('decodeReferenceZtoc', () => {
  it.each(REFERENCE_ZTOCS)('decodes the zTOC of %s without its files', (layer) => {
    const bytes = readReferenceZtoc(layer);
    expect(decodeReferenceZtoc(bytes)).toEqual({ ...decodeZtoc(bytes), files: [] });
  });

  it('returns nothing for another encoding', () => {
    const bytes = Uint8Array.of(...readReferenceZtoc('plain-small.tar'), 0, 0, 0, 0);
    expect(decodeZtoc(bytes).files.length).toBeGreaterThan(0);
    expect(decodeReferenceZtoc(bytes)).toBeUndefined();
  });
});
