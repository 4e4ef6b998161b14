import { describe, expect, it } from 'vitest';
import { type LayerCase, randomLayerCase } from './layer/layer-case.ts';
import { shrinkCase } from './shrink.ts';

function caseWith(predicate: (layerCase: LayerCase) => boolean): LayerCase {
  for (let number = 0; number < 1000; number++) {
    const layerCase = randomLayerCase(5, number, []);
    if (predicate(layerCase)) return layerCase;
  }
  throw new Error('none of 1,000 cases matches');
}

describe('shrinkCase', () => {
  it('keeps only the entry that shows the difference, without content', async () => {
    const hasLink = ({ tar }: LayerCase) => tar.entries.some(({ type }) => type === '2');
    const start = caseWith((layerCase) => hasLink(layerCase) && layerCase.tar.entries.length > 20);
    const smallest = await shrinkCase(start, async (candidate) => hasLink(candidate));
    expect(smallest.tar.entries.map(({ type, content }) => [type, content.size])).toEqual([['2', 0]]);
    expect(smallest).toMatchObject({ corruptions: [], chunking: { kind: 'whole' }, spanSize: 65_536 });
  });

  it('keeps only the gzip member and the header field that show the difference', async () => {
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

  it('returns a case that cannot be simplified', async () => {
    const start = randomLayerCase(5, 1, []);
    expect(await shrinkCase(start, async () => false)).toBe(start);
  });
});
