import { describe, expect, test } from 'vitest';
import { releaseMemory } from './stream-range.ts';

/** Node.js 20 has no way to free a buffer. */
const canFree = 'transfer' in ArrayBuffer.prototype;

describe('releaseMemory', () => {
  test('frees a chunk that has its buffer for itself, where the runtime can', () => {
    const chunk = new Uint8Array(1000);
    releaseMemory(chunk);
    expect(chunk.buffer.byteLength).toBe(canFree ? 0 : 1000);
  });

  test('leaves a buffer alone that others may use', () => {
    const buffer = new ArrayBuffer(1000);
    releaseMemory(new Uint8Array(buffer, 0, 999));
    releaseMemory(new Uint8Array(buffer, 1));
    expect(buffer.byteLength).toBe(1000);
  });

  test('does nothing to a chunk that was transferred', () => {
    const chunk = new Uint8Array(1000);
    structuredClone(chunk, { transfer: [chunk.buffer] });
    expect(() => releaseMemory(chunk)).not.toThrow();
  });
});
