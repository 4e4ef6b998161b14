import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type ReadResult, readInChildProcess } from './fixtures/reader-process.ts';
import { startServer } from './fixtures/served-blob.ts';
import { DEFAULT_MAX_READ_AHEAD } from './read-ahead-pool.ts';

const MIB = 1 << 20;
const SIZE = 768 * MIB;

/** Memory of chunks that are not freed immediately: V8 collects 32 to 64 MB of them late. Far less than the blob. */
const SLACK = 96 * MIB;

/** Reads a blob of {@link SIZE} bytes in another process, at `rate` bytes per second and connection. */
async function measureReadResult(rate: number, readAhead: number): Promise<ReadResult & { readonly parts: number }> {
  let parts = 0;
  const http = await startServer(async ({ headers }, response) => {
    const range = /=(\d+)-(\d*)$/.exec(headers.range ?? '');
    const [first, last] = [Number(range?.[1] ?? 0), Number(range?.[2] || SIZE - 1)];
    if (range !== null) parts += 1;
    const contentRange = range === null ? {} : { 'content-range': `bytes ${first}-${last}/${SIZE}` };
    response.writeHead(range === null ? 200 : 206, { 'content-length': last - first + 1, ...contentRange });
    await sendZeros(
      response.on('error', () => undefined),
      last - first + 1,
      rate,
    );
  });
  return { ...(await readInChildProcess(new URL(http.origin).host, SIZE, readAhead)), parts };
}

async function sendZeros(response: ServerResponse, length: number, rate: number): Promise<void> {
  const zeros = new Uint8Array(MIB / 2);
  for (let left = length; left > 0 && !response.destroyed; left -= zeros.length) {
    await new Promise((resolve) => response.write(zeros.subarray(0, left), resolve));
    if (rate < Number.POSITIVE_INFINITY) await sleep((zeros.length / rate) * 1000);
  }
  response.end();
}

describe('reading a blob of 768 MiB uses little memory', () => {
  test('over one connection', async () => {
    const { length, memory, parts } = await measureReadResult(Number.POSITIVE_INFINITY, 0);
    expect({ length, parts }).toEqual({ length: SIZE, parts: 0 });
    expect(memory).toBeLessThan(SLACK);
  });

  test('over several connections', async () => {
    const { length, memory, parts } = await measureReadResult(60_000_000, DEFAULT_MAX_READ_AHEAD);
    expect(length).toBe(SIZE);
    expect(parts).toBeGreaterThan(8);
    expect(memory).toBeLessThan(DEFAULT_MAX_READ_AHEAD + SLACK);
  });
});
