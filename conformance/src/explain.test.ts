import { readGoldenLayer } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { explainDifference } from './explain.ts';
import { buildOurs } from './ours.ts';

async function ztocOf(name: string, spanSize: number, tool = 'AWS SOCI CLI v0.2'): Promise<Uint8Array> {
  const outcome = await buildOurs([readGoldenLayer(name)], { spanSize, algorithm: 'gzip', tool });
  if (outcome.kind !== 'built') throw new Error(outcome.reason);
  return outcome.ztoc;
}

describe('two zTOCs', () => {
  it('that are the same need no words', async () => {
    const ztoc = await ztocOf('gzip-level6.tar.gz', 4096);
    expect(explainDifference(ztoc, ztoc.slice())).toBe('');
  });

  it('differ in their spans when the span size does', async () => {
    const explanation = explainDifference(
      await ztocOf('gzip-level6.tar.gz', 4096),
      await ztocOf('gzip-level6.tar.gz', 65_536),
    );
    expect(explanation).toContain("maxSpanId: ours 6, the reference's 4");
    expect(explanation).toContain('checkpoints: byte 0 (header)');
  });

  it('differ in their files when the archives do', async () => {
    const explanation = explainDifference(
      await ztocOf('kinds-gnu.tar.gz', 4096),
      await ztocOf('long-gnu.tar.gz', 4096),
    );
    expect(explanation).toMatch(/^file \d+:\n {2}ours .*\n {2}the reference .*/m);
  });

  it('are told of when one is none', async () => {
    const ztoc = await ztocOf('kinds-gnu.tar.gz', 4096);
    expect(explainDifference(ztoc.subarray(0, 50), ztoc)).toMatch(/^one of them cannot be decoded: ZtocError/);
  });
});
