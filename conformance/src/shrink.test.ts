import { describe, expect, it } from 'vitest';
import { type LayerCase, randomLayerCase } from './layer/layer-case.ts';
import { shrinkCase } from './shrink.ts';

function caseWith(predicate: (layerCase: LayerCase) => boolean): LayerCase {
  for (let number = 0; number < 1000; number++) {
    const layerCase = randomLayerCase(5, number, []);
    if (predicate(layerCase)) return layerCase;
  }
  throw new Error('no such case among a thousand');
}

describe('shrinking', () => {
  it('leaves the one entry that a difference needs, with nothing in it', async () => {
    const hasLink = ({ tar }: LayerCase) => tar.entries.some(({ type }) => type === '2');
    const start = caseWith((layerCase) => hasLink(layerCase) && layerCase.tar.entries.length > 20);
    const smallest = await shrinkCase(start, async (candidate) => hasLink(candidate));
    expect(smallest.tar.entries.map(({ type, content }) => [type, content.size])).toEqual([['2', 0]]);
    expect(smallest).toMatchObject({ corruptions: [], chunking: { kind: 'whole' }, spanSize: 65_536 });
  });

  it('keeps only the member, and of it only the part, that a difference needs', async () => {
    const hasComment = ({ encoder }: LayerCase) =>
      encoder.kind === 'gzip' &&
      encoder.members.some((member) => 'header' in member && member.header.comment !== undefined);
    const start = caseWith(
      (layerCase) => hasComment(layerCase) && layerCase.encoder.kind === 'gzip' && layerCase.encoder.members.length > 2,
    );
    const { encoder } = await shrinkCase(start, async (candidate) => hasComment(candidate));
    expect(encoder).toMatchObject({ members: [{ header: { comment: expect.any(String) } }] });
    expect(
      encoder.kind === 'gzip' && encoder.members.map((member) => 'header' in member && Object.keys(member.header)),
    ).toEqual([['comment']]);
  });

  it('gives back a case that cannot be simpler', async () => {
    const start = randomLayerCase(5, 1, []);
    expect(await shrinkCase(start, async () => false)).toBe(start);
  });
});
