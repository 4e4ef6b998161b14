import { once } from 'node:events';
import { constants, createDeflateRaw } from 'node:zlib';
import type { Random } from '@soci/test-content';

/** Settings of zlib's deflate that may change in the middle of a stream. */
interface ZlibSettings {
  /** 0 to 9. */
  readonly level: number;
  /** 0 to 4: default, filtered, Huffman only, run lengths, fixed. */
  readonly strategy: number;
}

/** A position at which the compressor ends its block, or changes its settings, which also ends the block. */
interface ZlibFlush {
  /** Position, as a fraction of the data. */
  readonly at: number;
  readonly how: 'partial' | 'sync' | 'full' | 'block' | 'params';
  /** The new settings for 'params'. */
  readonly settings?: ZlibSettings;
}

/** A deflate stream made with Node's zlib. */
export interface ZlibDeflate extends ZlibSettings {
  /** 1 to 9. */
  readonly memLevel: number;
  /** 9 to 15. */
  readonly windowBits: number;
  readonly flushes: readonly ZlibFlush[];
}

const FLUSH_CODES = {
  partial: constants.Z_PARTIAL_FLUSH,
  sync: constants.Z_SYNC_FLUSH,
  full: constants.Z_FULL_FLUSH,
  block: constants.Z_BLOCK,
} as const;

/** Returns random settings with random flushes. */
export function randomZlib(random: Random): ZlibDeflate {
  const settings = () => ({
    level: random.between(0, 9),
    strategy: random.weighted([
      [6, 0],
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
    ]),
  });
  const flush = (): ZlibFlush => {
    const how = random.pick(['partial', 'sync', 'full', 'block', 'params'] as const);
    return { at: random.fraction(), how, ...(how === 'params' && { settings: settings() }) };
  };
  return {
    ...settings(),
    memLevel: random.weighted([
      [3, 8],
      [2, random.between(1, 9)],
    ]),
    windowBits: random.weighted([
      [3, 15],
      [1, random.between(9, 15)],
    ]),
    flushes: random.chance(0.45) ? random.list(random.magnitude(1, 60), flush).sort((a, b) => a.at - b.at) : [],
  };
}

/** Returns the deflate stream of `data` that `plan` describes. */
export async function renderZlib(plan: ZlibDeflate, data: Uint8Array): Promise<Uint8Array> {
  const { level, strategy, memLevel, windowBits } = plan;
  const stream = createDeflateRaw({ level, strategy, memLevel, windowBits });
  const chunks: Uint8Array[] = [];
  stream.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  const ended = once(stream, 'end');
  let at = 0;
  for (const flush of plan.flushes) {
    const end = Math.floor(flush.at * data.length);
    if (end > at) stream.write(data.subarray(at, end));
    at = Math.max(at, end);
    await new Promise<void>((resolve) => {
      if (flush.how !== 'params') stream.flush(FLUSH_CODES[flush.how], resolve);
      else stream.params(flush.settings?.level ?? level, flush.settings?.strategy ?? strategy, resolve);
    });
  }
  stream.end(data.subarray(at));
  await ended;
  return Buffer.concat(chunks);
}
