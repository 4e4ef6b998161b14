// Checks of the package that run in a browser, both in a page and in a worker.
import {
  buildZtoc,
  type Compression,
  decodeZtoc,
  encodeZtoc,
  extractFile,
  type FileEntry,
  httpSource,
  openZtoc,
  ZtocError,
  type ZtocErrorCode,
} from '@soci/ztoc';

/** Result of a check. */
export interface CheckResult {
  readonly subject: string;
  readonly problems: readonly string[];
}

/** Results of the reference for a golden layer: one entry of conformance/golden/layers.json. */
interface GoldenLayer {
  readonly sha256: string;
  readonly algorithm: Compression;
  /** By span size. Empty if the reference rejects the layer. */
  readonly ztocs: Readonly<Record<string, { readonly digest: string; readonly size: number }>>;
  readonly refused?: string;
}

type GoldenLayers = Readonly<Record<string, GoldenLayer>>;

/** Layers whose files are read back, with a span size that divides most of them into several spans. */
const READ_BACK = ['gzip-level6.tar.gz', 'members-64k.tar.gz', 'many-files.tar.gz', 'kinds-pax.tar.gz', 'plain.tar'];
const SPAN_SIZE = 65_536;
/** Has five spans at that size. The server damages a byte in its middle, which is in span 2. */
const DAMAGED = 'gzip-level6.tar.gz';

/** Runs every check. A check that throws has failed. */
export async function runChecks(): Promise<readonly CheckResult[]> {
  const layers: GoldenLayers = await (await fetch('/layers.json')).json();
  return [
    await check('no Node.js globals exist', async () => 'process' in globalThis && ['`process` exists']),
    await check('zTOCs of all golden layers equal those of the reference', () => compareZtocs(layers)),
    await check('every layer that the reference rejects is rejected', () => expectRejections(layers)),
    await check('every file is read back by HTTP ranges', readEveryFile),
    await check('reading one file requests one range', readOneFile),
    await check('a damaged span is detected, and the other spans can be read', readDamagedLayer),
    await check('a server without range requests is rejected', () =>
      expectError('SOURCE_READ_FAILED', () => httpSource(`/whole/${DAMAGED}`)),
    ),
    await check('a build can be aborted', abortBuild),
  ];
}

async function abortBuild(): Promise<readonly string[]> {
  const build = buildZtoc(await openStream(`/layers/${DAMAGED}`), { signal: AbortSignal.abort('stop') });
  const found = await build.then(() => 'a zTOC', String);
  return found === 'stop' ? [] : [`expected the reason of the signal, got ${found}`];
}

async function check(subject: string, findProblems: () => Promise<false | readonly string[]>): Promise<CheckResult> {
  try {
    return { subject, problems: (await findProblems()) || [] };
  } catch (error) {
    return { subject, problems: [error instanceof Error ? `${error.message}\n${error.stack}` : String(error)] };
  }
}

/** Builds from the stream of a response body, as a web page would. */
async function compareZtocs(layers: GoldenLayers): Promise<readonly string[]> {
  const problems: string[] = [];
  let count = 0;
  for (const [name, { sha256, ztocs }] of Object.entries(layers)) {
    for (const [spanSize, expected] of Object.entries(ztocs)) {
      count++;
      const built = await buildZtoc(await openStream(`/layers/${name}`), { spanSize: Number(spanSize) });
      const encoded = encodeZtoc(built.ztoc);
      const problem = (what: string) => problems.push(`${name}, span size ${spanSize}: ${what}`);
      if (built.layerDigest !== `sha256:${sha256}`) problem('wrong layer digest');
      const digest = await digestOf(encoded);
      if (digest !== expected.digest) problem('wrong zTOC digest');
      if ((await digestOf(encodeZtoc(decodeZtoc(encoded)))) !== digest)
        problem('decoding and encoding changes the zTOC');
    }
  }
  if (count === 0) problems.push('no golden layers found');
  return problems;
}

async function expectRejections(layers: GoldenLayers): Promise<readonly string[]> {
  const rejected = Object.entries(layers).filter(([, layer]) => layer.refused !== undefined);
  const problems: string[] = rejected.length === 0 ? ['no rejected layers found'] : [];
  for (const [name, { algorithm }] of rejected) {
    try {
      await buildZtoc(await openStream(`/layers/${name}`), { compression: algorithm });
      problems.push(`${name} is accepted`);
    } catch (error) {
      if (!(error instanceof ZtocError)) problems.push(`${name}: ${error}`);
    }
  }
  return problems;
}

/** Compares the files with the decompressed layer from the server. */
async function readEveryFile(): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const name of READ_BACK) {
    const { ztoc } = await buildZtoc(await openStream(`/layers/${name}`), { spanSize: SPAN_SIZE });
    const tar = new Uint8Array(await (await fetch(`/inflated/${name}`)).arrayBuffer());
    const reader = openZtoc(ztoc, await httpSource(`/layers/${name}`));
    const files = [...reader.list()].filter(({ type }) => type === 'reg');
    if (files.length === 0) problems.push(`${name} has no files`);
    for (const file of files) {
      const expected = tar.subarray(file.uncompressedOffset, file.uncompressedOffset + file.uncompressedSize);
      if ((await digestOf(await reader.readFile(file))) !== (await digestOf(expected))) {
        problems.push(`${name}: wrong content of ${new TextDecoder().decode(file.name)}`);
      }
    }
  }
  return problems;
}

async function readOneFile(): Promise<readonly string[]> {
  const name = 'gzip-level6.tar.gz';
  const { ztoc } = await buildZtoc(await openStream(`/layers/${name}`), { spanSize: SPAN_SIZE });
  const ranges: (string | null)[] = [];
  const recordingFetch: typeof fetch = (url, init) => {
    ranges.push(new Headers(init?.headers).get('range'));
    return fetch(url, init);
  };
  const source = await httpSource(`/layers/${name}`, { fetch: recordingFetch, size: ztoc.compressedArchiveSize });
  const [span] = openZtoc(ztoc, source).spansOf('usr/bin/f00036-dpemne');
  if (span === undefined) return ['the file has no spans'];
  const file = await extractFile(ztoc, source, 'usr/bin/f00036-dpemne');
  const expected = `bytes=${span.compressedStart}-${span.compressedEnd - 1}`;
  const problems: string[] = [];
  if (file.length !== 86_720) problems.push(`the file has ${file.length} bytes, expected 86720`);
  if (span.compressedEnd - span.compressedStart > source.size / 6) problems.push('the range is most of the layer');
  if (ranges.length !== 1 || ranges[0] !== expected) problems.push(`requested ${ranges}, expected ${expected}`);
  return problems;
}

async function readDamagedLayer(): Promise<readonly string[]> {
  const { ztoc } = await buildZtoc(await openStream(`/layers/${DAMAGED}`), { spanSize: SPAN_SIZE });
  const reader = openZtoc(ztoc, await httpSource(`/damaged/${DAMAGED}`));
  const problems: string[] = [];
  const isDamaged = (file: FileEntry) => reader.spansOf(file).some(({ id }) => id === 2);
  for (const file of [...reader.list()].filter(({ type }) => type === 'reg')) {
    if (!isDamaged(file)) await reader.readFile(file);
    else problems.push(...(await expectError('SPAN_DIGEST_MISMATCH', () => reader.readFile(file))));
  }
  return problems;
}

async function expectError(code: ZtocErrorCode, attempt: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await attempt();
    return [`expected ${code}, but no error was thrown`];
  } catch (error) {
    return error instanceof ZtocError && error.code === code ? [] : [`expected ${code}, got ${error}`];
  }
}

async function openStream(url: string): Promise<ReadableStream<Uint8Array>> {
  const { body } = await fetch(url);
  if (body === null) throw new Error(`${url} has no body`);
  return body;
}

/** Uses the browser's SHA-256, independent of the package's. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice()));
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
