import { readGoldenLayer } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { explainDifference } from './explain.ts';
import { buildOurs } from './ours.ts';

async function ztocOf(name: string, spanSize: number, tool = 'AWS SOCI CLI v0.2'): Promise<Uint8Array> {
  const outcome = await buildOurs(() => [readGoldenLayer(name)], { spanSize, algorithm: 'gzip', tool });
  if (outcome.kind !== 'built') throw new Error(outcome.reason);
  return outcome.ztoc;
}

describe('explainDifference', () => {
  it('returns an empty string for equal zTOCs', async () => {
    const ztoc = await ztocOf('gzip-level6.tar.gz', 4096);
    expect(explainDifference(ztoc, ztoc.slice())).toBe('');
  });

  it('reports other spans if the span size differs', async () => {
    const explanation = explainDifference(
      await ztocOf('gzip-level6.tar.gz', 4096),
      await ztocOf('gzip-level6.tar.gz', 65_536),
    );
    expect(explanation).toContain("maxSpanId: ours 6, the reference's 4");
    expect(explanation).toContain('checkpoints: byte 0 (header)');
  });

  it('reports other files if the archives differ', async () => {
    const explanation = explainDifference(
      await ztocOf('kinds-gnu.tar.gz', 4096),
      await ztocOf('long-gnu.tar.gz', 4096),
    );
    expect(explanation).toMatch(/^file \d+:\n {2}ours .*\n {2}the reference .*/m);
  });

  it('reports a zTOC that cannot be decoded', async () => {
    const ztoc = await ztocOf('kinds-gnu.tar.gz', 4096);
    expect(explainDifference(ztoc.subarray(0, 50), ztoc)).toMatch(/^one of them cannot be decoded: ZtocError/);
  });
});
