import type { RunStore } from './store.ts';

/** Result of one child execution of a Distributed Map. */
export interface ChildResult {
  readonly status: 'succeeded' | 'failed';
  /** Input of the child. */
  readonly input: unknown;
  /** Output of a child that succeeded. */
  readonly output?: unknown;
  /** Error and cause of a child that failed. */
  readonly error?: string;
  readonly cause?: string;
}

/** An entry of a result file. @see AWS Step Functions Developer Guide, "ResultWriter (Map)" */
interface Entry {
  readonly Input?: string;
  readonly Output?: string;
  readonly Error?: string;
  readonly Cause?: string;
}

interface Manifest {
  readonly ResultFiles: Readonly<Record<'FAILED' | 'SUCCEEDED', readonly { readonly Key: string }[]>>;
}

/** Maximum size of an entry, in bytes: input and output have at most 256 KiB each, and are escaped. */
const MAX_ENTRY = 4 << 20;

/**
 * Reads the results that a Distributed Map wrote below a prefix. Files have up to 5 GB, so only one entry is in memory.
 */
export async function* readMapResults(store: RunStore, prefix: string): AsyncGenerator<ChildResult, void, undefined> {
  for (const key of await store.list(`${prefix}/`)) {
    if (!key.endsWith('/manifest.json')) continue;
    const { ResultFiles: files } = (await store.get(key)) as Manifest;
    for (const [name, status] of [
      ['SUCCEEDED', 'succeeded'],
      ['FAILED', 'failed'],
    ] as const) {
      for (const { Key } of files[name] ?? []) {
        for await (const text of readArray(await store.open(Key))) yield resultOf(JSON.parse(text) as Entry, status);
      }
    }
  }
}

function resultOf({ Input, Output, Error: error, Cause }: Entry, status: ChildResult['status']): ChildResult {
  return {
    status,
    input: parseText(Input),
    ...(Output !== undefined && { output: parseText(Output) }),
    ...(error !== undefined && { error }),
    ...(Cause !== undefined && { cause: Cause }),
  };
}

function parseText(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d];

/**
 * Yields the text of each object in a JSON array of objects.
 *
 * @throws Error if an object is larger than {@link MAX_ENTRY}, or the array ends within an object.
 */
export async function* readArray(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let [depth, isText, isEscaped] = [0, false, false];
  let rest: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (isText) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isText = false;
      } else if (byte === QUOTE) {
        isText = true;
      } else if (byte === OPEN) {
        if (depth++ === 0) start = at;
      } else if (byte === CLOSE && --depth === 0) {
        yield Buffer.concat([...rest, chunk.subarray(start, at + 1)]).toString();
        [rest, size] = [[], 0];
      }
    }
    if (depth === 0) continue;
    rest.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > MAX_ENTRY) throw new Error(`an entry has more than ${MAX_ENTRY} bytes`);
  }
  if (depth !== 0) throw new Error('the file ends within an entry');
}
