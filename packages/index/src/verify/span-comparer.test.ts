import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteWindow } from './span-comparer.ts';

it('contains the part of a stream that was not dropped', () => {
  const step = fc.record({ append: fc.uint8Array({ maxLength: 300_000 }), drop: fc.nat(400_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const window = new ByteWindow();
      let stream = Buffer.alloc(0);
      let start = 0;
      for (const { append, drop } of steps) {
        window.append(append);
        stream = Buffer.concat([stream, append]);
        expect(window.end).toBe(stream.length);
        start = Math.max(start, Math.min(drop, stream.length));
        window.dropBefore(drop);
        expect(Buffer.compare(window.view(start, stream.length), stream.subarray(start))).toBe(0);
      }
    }),
    { numRuns: 30 },
  );
});
