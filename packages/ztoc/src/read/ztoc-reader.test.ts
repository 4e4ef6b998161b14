import { gunzipSync } from 'node:zlib';
import { concat, paxHeader, readGoldenLayer, TAR_END, tarEntry } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { buildZtoc } from '../build/build-ztoc.ts';
import { decodeZtoc } from '../encoding/decode-ztoc.ts';
import { createMutator } from '../encoding/fixtures/damage.ts';
import { readReferenceZtoc } from '../encoding/fixtures/reference-ztocs.ts';
import { ZtocError } from '../errors.ts';
import type { FileEntry, PaxRecord, Ztoc } from '../ztoc.ts';
import { bytesSource, type RandomAccessSource } from './random-access-source.ts';
import { extractFile, openEncodedZtoc, openZtoc } from './ztoc-reader.ts';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const digits = (length: number) => Uint8Array.from({ length }, (_, i) => 0x30 + ((i * 7 + (i >> 8)) % 10));

async function ztocOf(layer: Uint8Array, spanSize?: number): Promise<Ztoc> {
  return (await buildZtoc([layer], spanSize === undefined ? {} : { spanSize })).ztoc;
}

/** Creates a source that records its reads and answers them asynchronously. */
function recordingSource(bytes: Uint8Array): RandomAccessSource & { reads: [offset: number, length: number][] } {
  const source = bytesSource(bytes);
  const reads: [number, number][] = [];
  return {
    size: source.size,
    reads,
    async read(offset, length, options) {
      reads.push([offset, length]);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return source.read(offset, length, options);
    },
  };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concat(...parts);
}

describe.each([
  'gzip-level6.tar.gz',
  'gzip-level0.tar.gz',
  'gzip-full-flush.tar.gz',
  'gzip-fixed.tar.gz',
  'members-6.tar.gz',
  'members-with-empty.tar.gz',
  'member-headers.tar.gz',
  'blocks-empty-first.tar.gz',
  'incompressible.tar.gz',
  'far-distance.tar.gz',
  'long-run.tar.gz',
  'kinds-pax.tar.gz',
  'plain.tar',
])('the golden layer %s', (name) => {
  const layer = readGoldenLayer(name);
  const archive = name.endsWith('.gz') ? new Uint8Array(gunzipSync(layer)) : layer;
  const bodyOf = (file: FileEntry) =>
    archive.subarray(file.uncompressedOffset, file.uncompressedOffset + file.uncompressedSize);

  it.each([4096, 65_536, 4_194_304])(
    'reads the same files as a full decompression, with spans of %i bytes',
    async (spanSize) => {
      const reader = openZtoc(await ztocOf(layer, spanSize), bytesSource(layer));
      const files = reader.ztoc.files.filter(({ type }) => type === 'reg');
      expect(files.length).toBeGreaterThan(0);
      for (const file of files) {
        const body = await reader.readFile(file);
        expect(Buffer.compare(body, bodyOf(file))).toBe(0);
        expect(Buffer.compare(await collect(reader.openFile(file)), body)).toBe(0);
        const middle = await reader.readFileRange(file, body.length >> 2, body.length >> 1);
        expect(Buffer.compare(middle, body.subarray(body.length >> 2, (body.length >> 2) + (body.length >> 1)))).toBe(
          0,
        );
      }
    },
  );

  it('has the same files through the encoded zTOC, which is decoded as far as it is used', async () => {
    const { ztoc, bytes } = await buildZtoc([layer]);
    const [whole, encoded] = [openZtoc(ztoc, bytesSource(layer)), openEncodedZtoc(bytes, bytesSource(layer))];
    expect([...encoded.list()]).toEqual([...whole.list()]);
    for (const { name, type } of whole.list()) {
      const entry = encoded.lookup(name) as FileEntry;
      expect(entry).toEqual(whole.lookup(name));
      expect(encoded.lookup(name)).toBe(entry);
      expect(encoded.isDirectory(name)).toBe(type === 'dir');
      expect(encoded.readdir(name)).toEqual(whole.readdir(name));
      if (type === 'reg') expect(await encoded.readFile(entry)).toEqual(await whole.readFile(name));
      if (type === 'hardlink') expect(encoded.hardLinkTarget(entry)).toEqual(encoded.lookup(entry.linkName));
    }
  });

  it('has a header before each entry, after the content of the previous one', async () => {
    const reader = openZtoc(await ztocOf(layer), bytesSource(layer));
    let end = 0;
    for (const entry of reader.ztoc.files) {
      expect(reader.headerOffset(entry)).toBe(end);
      expect(entry.uncompressedOffset - end).toBeGreaterThanOrEqual(512);
      end = entry.uncompressedOffset + Math.ceil(entry.uncompressedSize / 512) * 512;
    }
  });

  it('reads only the spans of a file', async () => {
    const ztoc = await ztocOf(layer, 4096);
    for (const file of ztoc.files.filter(({ type }) => type === 'reg')) {
      const source = recordingSource(layer);
      const reader = openZtoc(ztoc, source);
      await reader.readFile(file);
      const fetched = source.reads.reduce((sum, [, length]) => sum + length, 0);
      expect(fetched).toBe(reader.bytesToFetch(file));
    }
  });
});

const body = digits(1_000_000);
const small = concat(
  tarEntry({ name: 'dir/', type: '5' }),
  tarEntry({ name: 'dir/file' }, 'hello'),
  tarEntry({ name: 'hard', type: '1', linkName: 'dir/file' }),
  tarEntry({ name: 'soft', type: '2', linkName: 'dir/file' }),
  tarEntry({ name: 'empty' }),
  tarEntry({ name: 'large' }, body),
  TAR_END,
);

describe('ZtocReader', () => {
  it('reads files by path, follows hard links, and follows symbolic links if requested', async () => {
    const reader = openZtoc(await ztocOf(small), bytesSource(small));
    expect(text(await reader.readFile('./dir/file'))).toBe('hello');
    expect(text(await reader.readFile('hard'))).toBe('hello');
    expect(text(await reader.readFile('soft', { followSymlinks: true }))).toBe('hello');
    expect(await reader.readFile('empty')).toEqual(new Uint8Array(0));
    expect(reader.lookup('dir/')?.type).toBe('dir');
    expect(reader.readdir('')?.map(({ name }) => text(name))).toEqual(['dir', 'empty', 'hard', 'large', 'soft']);
    expect([...reader.list()]).toEqual(reader.ztoc.files);
  });

  it('reads ranges, up to the end of the file', async () => {
    const reader = openZtoc(await ztocOf(small), bytesSource(small));
    expect(text(await reader.readFileRange('dir/file', 1, 3))).toBe('ell');
    expect(text(await reader.readFileRange('dir/file', 3, 100))).toBe('lo');
    expect(await reader.readFileRange('dir/file', 5, 1)).toEqual(new Uint8Array(0));
    expect(await reader.readFileRange('dir/file', 2 ** 40, 1)).toEqual(new Uint8Array(0));
  });

  it.each([
    ['none', {}, 'ENTRY_NOT_FOUND'],
    ['dir', {}, 'ENTRY_NOT_A_FILE'],
    ['soft', {}, 'ENTRY_NOT_A_FILE'],
  ] as const)('does not read %s', async (path, options, code) => {
    const reader = openZtoc(await ztocOf(small), bytesSource(small));
    await expect(reader.readFile(path, options)).rejects.toMatchObject({ code });
    await expect(collect(reader.openFile(path, options))).rejects.toMatchObject({ code });
  });

  it('rejects invalid ranges', async () => {
    const reader = openZtoc(await ztocOf(small), bytesSource(small));
    for (const [offset, length] of [
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      await expect(reader.readFileRange('large', offset, length)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    }
  });

  it('does not read more than maxFileSize into memory, but streams it', async () => {
    const reader = openZtoc(await ztocOf(small), bytesSource(small), { maxFileSize: 999_999 });
    await expect(reader.readFile('large')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await reader.readFileRange('large', 1, 999_999)).toEqual(body.subarray(1));
    expect(await collect(reader.openFile('large'))).toEqual(body);
  });

  it('returns chunks and files that the caller may change', async () => {
    const reader = openZtoc(await ztocOf(small), bytesSource(small));
    for await (const chunk of reader.openFile('large')) chunk.fill(0);
    (await reader.readFile('large')).fill(0);
    expect(await reader.readFile('large')).toEqual(body);
  });

  it('extractFile reads one file', async () => {
    expect(text(await extractFile(await ztocOf(small), bytesSource(small), '/dir/file'))).toBe('hello');
  });
});

describe('spans', () => {
  it('that are adjacent are fetched with one read, up to maxFetchSize', async () => {
    const ztoc = await ztocOf(small, 65_536);
    const source = recordingSource(small);
    expect(await openZtoc(ztoc, source).readFile('large')).toEqual(body);
    expect(source.reads).toHaveLength(1);

    const limited = recordingSource(small);
    expect(await openZtoc(ztoc, limited, { maxFetchSize: 150_000 }).readFile('large')).toEqual(body);
    expect(limited.reads.length).toBeGreaterThan(5);
    for (const [, length] of limited.reads) expect(length).toBeLessThanOrEqual(150_000);
  });

  it('are cached up to cacheSize, the most recent ones', async () => {
    const ztoc = await ztocOf(small, 65_536);
    const source = recordingSource(small);
    const reader = openZtoc(ztoc, source, { cacheSize: 2 * 65_536 });
    await reader.readFileRange('large', 0, 10);
    await reader.readFileRange('large', 70_000, 10);
    await reader.readFileRange('large', 5, 10);
    expect(source.reads).toHaveLength(2);
    await reader.readFileRange('large', 140_000, 10);
    await reader.readFileRange('large', 5, 10);
    expect(source.reads).toHaveLength(3);
    await reader.readFileRange('large', 70_000, 10);
    expect(source.reads).toHaveLength(4);
  });

  it('that are needed by concurrent reads are fetched once', async () => {
    const source = recordingSource(small);
    const reader = openZtoc(await ztocOf(small), source);
    const all = await Promise.all(['dir/file', 'hard', 'large', 'dir/file'].map((path) => reader.readFile(path)));
    expect(all.map(({ length }) => length)).toEqual([5, 5, 1_000_000, 5]);
    expect(source.reads).toHaveLength(1);
  });

  it('are verified: a damaged one is reported with its ID and offset, the others can be read', async () => {
    const ztoc = await ztocOf(small, 65_536);
    const damaged = small.slice();
    damaged[500_000] = Number(damaged[500_000]) ^ 1;
    const reader = openZtoc(ztoc, bytesSource(damaged));
    expect(text(await reader.readFile('dir/file'))).toBe('hello');
    await expect(reader.readFile('large')).rejects.toMatchObject({
      code: 'SPAN_DIGEST_MISMATCH',
      offset: 7 * 65_536,
      message: expect.stringContaining('span 7 (bytes 458752 to 524288'),
    });
  });

  /** Returns a source whose first reads of a byte return wrong values. */
  function damagedSource(bytes: Uint8Array, offset: number, ...values: number[]) {
    const source = recordingSource(bytes);
    const read: RandomAccessSource['read'] = async (start, length, options) => {
      const part = Uint8Array.from(await source.read(start, length, options));
      const value = start <= offset && offset < start + length ? values.shift() : undefined;
      if (value !== undefined) part[offset - start] = value;
      return part;
    };
    return { ...source, read };
  }

  it('are read again once if they are damaged', async () => {
    const ztoc = await ztocOf(small, 65_536);
    const source = damagedSource(small, 500_000, 1);
    const whole = await openZtoc(ztoc, bytesSource(small)).readFile('large');
    expect(await openZtoc(ztoc, source).readFile('large')).toEqual(whole);
    expect(source.reads.slice(1)).toEqual([[7 * 65_536, 65_536]]);
  });

  it('fail if both reads are damaged, with both digests', async () => {
    const ztoc = await ztocOf(small, 65_536);
    const read = (...values: number[]) => openZtoc(ztoc, damagedSource(small, 500_000, ...values)).readFile('large');
    await expect(read(1, 1)).rejects.toMatchObject({
      code: 'SPAN_DIGEST_MISMATCH',
      message: expect.stringMatching(/^span 7 .* has digest sha256:[0-9a-f]{64} in both reads, expected sha256:/),
    });
    await expect(read(1, 2)).rejects.toMatchObject({
      message: expect.stringMatching(
        / has digest sha256:\S+ in the second read and sha256:\S+ in the first, expected /,
      ),
    });
  });

  it('are neither fetched nor inflated above maxSpanSize', async () => {
    const layer = readGoldenLayer('long-run.tar.gz');
    const source = recordingSource(layer);
    const ztoc = await ztocOf(layer);
    const reader = openZtoc(ztoc, source, { maxSpanSize: 65_536 });
    await expect(reader.readFile(ztoc.files[0] as FileEntry)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(source.reads).toEqual([]);
  });
});

describe('an aborted read', () => {
  it('throws the reason of the signal, before or while the source is read', async () => {
    const reader = openZtoc(await ztocOf(small), recordingSource(small));
    const signal = AbortSignal.abort('stopped');
    await expect(reader.readFile('large', { signal })).rejects.toBe('stopped');
    const controller = new AbortController();
    const reading = reader.readFile('large', { signal: controller.signal });
    controller.abort('later');
    await expect(reading).rejects.toBe('later');
  });

  it('throws the reason also for empty files, and in the holes of a file', async () => {
    const reader = openZtoc(await ztocOf(small), bytesSource(small));
    const signal = AbortSignal.abort('stopped');
    const empty = { ...(reader.lookup('dir/file') as FileEntry), uncompressedSize: 0 };
    await expect(reader.readFile(empty, { signal })).rejects.toBe('stopped');
    await expect(reader.openFile(empty, { signal }).next()).rejects.toBe('stopped');
    const paxRecords = ['major 0', 'minor 1'].map((record): PaxRecord => {
      const [key, value] = `GNU.sparse.${record}`.split(' ').map((part) => new TextEncoder().encode(part));
      return [key as Uint8Array, value as Uint8Array];
    });
    const hole = { ...empty, uncompressedSize: 1 << 20, paxRecords };
    const controller = new AbortController();
    const chunks = reader.openFile(hole, { signal: controller.signal });
    await chunks.next();
    controller.abort('stopped');
    await expect(chunks.next()).rejects.toBe('stopped');
  });

  it('does not abort concurrent reads of the same span', async () => {
    const controller = new AbortController();
    const source = bytesSource(small);
    const abortableSource: RandomAccessSource = {
      size: source.size,
      async read(offset, length, options) {
        await new Promise((resolve, reject) => {
          setTimeout(resolve, 5);
          options?.signal?.addEventListener('abort', reject);
        });
        return source.read(offset, length);
      },
    };
    const reader = openZtoc(await ztocOf(small), abortableSource);
    const [first, second] = [
      reader.readFile('dir/file', { signal: controller.signal }),
      reader.readFile('hard', { signal: new AbortController().signal }),
    ];
    controller.abort('stopped');
    await expect(first).rejects.toBe('stopped');
    expect(text(await second)).toBe('hello');
  });
});

describe('a zTOC that does not match the layer, or a failing source', () => {
  it('is rejected if the sizes of the layer differ', async () => {
    const ztoc = await ztocOf(small);
    expect(() => openZtoc(ztoc, bytesSource(small.subarray(1)))).toThrow(
      expect.objectContaining({ code: 'SPAN_DIGEST_MISMATCH' }),
    );
  });

  it('is rejected if a file exceeds the archive', async () => {
    const ztoc = await ztocOf(small);
    const files = ztoc.files.map((file) => ({ ...file, uncompressedSize: file.uncompressedSize + 2 ** 29 }));
    const reader = openZtoc({ ...ztoc, files }, bytesSource(small));
    await expect(reader.readFile('dir/file')).rejects.toMatchObject({ code: 'ZTOC_INVALID' });
  });

  it.each([
    ['too few bytes', async () => new Uint8Array(3)],
    ['an error', async () => Promise.reject(new Error('disk failure'))],
  ])('is SOURCE_READ_FAILED if the source returns %s', async (_, read) => {
    const reader = openZtoc(await ztocOf(small), { size: small.length, read });
    await expect(reader.readFile('large')).rejects.toMatchObject({
      code: 'SOURCE_READ_FAILED',
      cause: expect.any(Error),
    });
  });
});

describe('sparse files are read with holes', () => {
  const first = digits(600);
  const second = digits(512);
  const file = concat(new Uint8Array(4096), first, new Uint8Array(100_000), second, new Uint8Array(7));
  const map = [4096, 600, 104_696, 512, file.length, 0];
  const pairs = [0, 2, 4].map((i) => [map[i], map[i + 1]]);
  const name = ['GNU.sparse.name', 'sparse'] as const;
  const size = ['GNU.sparse.size', `${file.length}`] as const;
  const count = ['GNU.sparse.numblocks', '3'] as const;
  const next = concat(tarEntry({ name: 'next' }, 'next'), TAR_END);
  const mapBlock = concat(`3\n${map.join('\n')}\n`, new Uint8Array(512)).subarray(0, 512);

  const formats: Record<string, Uint8Array> = {
    '0.0': concat(
      paxHeader([
        size,
        count,
        ...pairs.flatMap(([offset, length]) => [
          ['GNU.sparse.offset', `${offset}`] as const,
          ['GNU.sparse.numbytes', `${length}`] as const,
        ]),
      ]),
      tarEntry({ name: 'sparse' }, concat(first, second)),
      next,
    ),
    '0.1': concat(
      paxHeader([name, size, count, ['GNU.sparse.map', map.join(',')]]),
      tarEntry({}, concat(first, second)),
      next,
    ),
    '1.0': concat(
      paxHeader([
        name,
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.realsize', `${file.length}`],
      ]),
      tarEntry({ name: 'GNUSparseFile.0/sparse' }, concat(mapBlock, first, second)),
      next,
    ),
  };

  it.each(Object.entries(formats))('of PAX format %s (GNU tar manual, "Storing Sparse Files")', async (_, layer) => {
    const reader = openZtoc(await ztocOf(layer, 512), bytesSource(layer));
    expect(await reader.readFile('sparse')).toEqual(file);
    expect(await collect(reader.openFile('sparse'))).toEqual(file);
    expect(await reader.readFileRange('sparse', 4600, 100_200)).toEqual(file.subarray(4600, 104_800));
    expect(text(await reader.readFile('next'))).toBe('next');
    expect(reader.bytesToFetch('sparse')).toBeLessThan(3000);
  });

  it('in the golden layer', async () => {
    const layer = readGoldenLayer('sparse-pax10.tar.gz');
    const archive = gunzipSync(layer);
    const expected = new Uint8Array(4096);
    expected.set(archive.subarray(2048, 2560), 0);
    expected.set(archive.subarray(2560, 3072), 2048);
    const reader = openZtoc(await ztocOf(layer), bytesSource(layer));
    expect(await reader.readFile('sparse')).toEqual(expected);
  });

  it('unless their map cannot be found', async () => {
    const layer = formats['1.0'] as Uint8Array;
    const ztoc = await ztocOf(layer);
    const files = ztoc.files.map((entry) => ({ ...entry, uncompressedOffset: entry.uncompressedOffset - 512 }));
    const reader = openZtoc({ ...ztoc, files }, bytesSource(layer));
    await expect(reader.readFile('sparse')).rejects.toMatchObject({ code: 'TAR_INVALID' });
  });
});

describe.each(['plain-small.tar', 'pax-xattrs.tar.gz'] as const)('a damaged zTOC of %s', (name) => {
  it('returns files or throws a ZtocError (3,000 seeded mutations)', async () => {
    const layer = readGoldenLayer(name);
    const whole = readReferenceZtoc(name);
    const mutate = createMutator(whole, decodeZtoc(whole).checkpoints, 0x2ea1);
    let read = 0;
    for (let i = 0; i < 3000; i++) {
      try {
        const options = { maxFileSize: 1 << 20 };
        const damaged = mutate();
        const reader =
          i % 2 === 0
            ? openZtoc(decodeZtoc(damaged), bytesSource(layer), options)
            : openEncodedZtoc(damaged, bytesSource(layer), options);
        for (const { name: path } of reader.list()) {
          read += (await reader.readFile(path, { followSymlinks: true }).catch(acceptZtocError)).length;
        }
      } catch (error) {
        acceptZtocError(error);
      }
    }
    expect(read).toBeGreaterThan(0);
  });
});

/** Returns no bytes for a ZtocError, and rethrows other errors. */
function acceptZtocError(error: unknown): Uint8Array {
  if (error instanceof ZtocError) return new Uint8Array(0);
  throw error;
}
