import { describe, expect, test } from 'vitest';
import { releaseMemory } from './response-body.ts';

/** Node.js 20 cannot free a buffer. */
const canFree = 'transfer' in ArrayBuffer.prototype;

describe('releaseMemory', () => {
  test('frees a chunk that owns its buffer, if the runtime supports it', () => {
    const chunk = new Uint8Array(1000);
    releaseMemory(chunk);
    expect(chunk.buffer.byteLength).toBe(canFree ? 0 : 1000);
  });

  test('does not free a shared buffer', () => {
    const buffer = new ArrayBuffer(1000);
    releaseMemory(new Uint8Array(buffer, 0, 999));
    releaseMemory(new Uint8Array(buffer, 1));
    expect(buffer.byteLength).toBe(1000);
  });

  test('ignores a transferred chunk', () => {
    const chunk = new Uint8Array(1000);
    structuredClone(chunk, { transfer: [chunk.buffer] });
    expect(() => releaseMemory(chunk)).not.toThrow();
  });
});
