import { gunzipSync } from 'node:zlib';
import { Random } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { type Content, renderContent } from './content.ts';
import { DEFLATE_FAULTS } from './deflate-fault.ts';
import { type Member, renderLayer } from './encoder.ts';
import type { HandDeflate } from './hand-deflate.ts';
import { randomEncoder } from './random-encoder.ts';

const noGo = () => Promise.reject(new Error('these encoders do not use Go'));
const CONTENTS: readonly Content[] = (['zeros', 'noise', 'text', 'repeat', 'records'] as const).map((kind) => ({
  kind,
  size: 70_000,
  seed: 7,
}));

function byHand(plan: Partial<HandDeflate>): Member {
  return {
    by: 'hand',
    header: {},
    share: 1,
    seed: 1,
    blocks: 5,
    types: ['dynamic'],
    codes: 'huffman',
    matches: 'longest',
    emptyBlocks: 0.3,
    spareSymbols: true,
    ...plan,
  };
}

describe('a hand-made deflate stream', () => {
  const plans = (['stored', 'fixed', 'dynamic'] as const).flatMap((type) =>
    (['huffman', 'random', 'deep'] as const).flatMap((codes) =>
      (['none', 'longest', 'random', 'far'] as const).map((matches) => ({ types: [type], codes, matches })),
    ),
  );

  it.each(plans)('is readable by zlib: $types, $codes codes, matches $matches', async (plan) => {
    for (const content of CONTENTS) {
      const data = renderContent(content);
      const layer = await renderLayer({ kind: 'gzip', members: [byHand(plan)] }, data, noGo);
      expect(Buffer.compare(gunzipSync(layer), data), content.kind).toBe(0);
    }
  });

  it.each(DEFLATE_FAULTS)('is rejected by zlib because of its fault: %s', async (fault) => {
    const data = renderContent({ kind: 'text', size: 5000, seed: 3 });
    const layer = await renderLayer({ kind: 'gzip', members: [byHand({ fault, blocks: 1 })] }, data, noGo);
    expect(() => gunzipSync(layer)).toThrow();
  });
});

describe('random encoders', () => {
  it('keep the bytes over all members, unless a fault is intended', async () => {
    let compared = 0;
    for (let seed = 0; seed < 60; seed++) {
      const encoder = randomEncoder(new Random(seed), 20_000, []);
      if (encoder.kind === 'none' || encoder.members.some(isWrongOrNeedsGo)) continue;
      const data = renderContent({ kind: 'records', size: 20_000, seed });
      const layer = await renderLayer(encoder, data, noGo);
      const total = encoder.members.reduce((sum, { share }) => sum + share, 0);
      expect(Buffer.compare(gunzipSync(layer), total === 0 ? Buffer.alloc(0) : data), `seed ${seed}`).toBe(0);
      compared++;
    }
    expect(compared).toBeGreaterThan(20);
  });
});

function isWrongOrNeedsGo(member: Member): boolean {
  if (member.by === 'go' || member.by === 'program' || member.by === 'zlib-wrapper') return true;
  return (
    (member.by === 'hand' && member.fault !== undefined) ||
    member.header.reservedFlags !== undefined ||
    member.header.headerChecksum === 'wrong'
  );
}
