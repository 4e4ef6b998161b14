// What is checked of the package inside a browser, in a page and in a worker alike.
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

/** One check: its subject with what it counted, and what was wrong. */
export interface CheckResult {
  readonly subject: string;
  readonly problems: readonly string[];
}

/** What the reference makes of a golden layer: one entry of conformance/golden/layers.json. */
interface GoldenLayer {
  readonly sha256: string;
  readonly algorithm: Compression;
  /** By span size. Empty if the layer is refused. */
  readonly ztocs: Readonly<Record<string, { readonly digest: string; readonly size: number }>>;
  readonly refused?: string;
}

type GoldenLayers = Readonly<Record<string, GoldenLayer>>;

/** Layers whose files are read back, at a span size that gives most of them several spans. */
const READ_BACK = ['gzip-level6.tar.gz', 'members-64k.tar.gz', 'many-files.tar.gz', 'kinds-pax.tar.gz', 'plain.tar'];
const SPAN_SIZE = 65_536;
/** It has five spans at that size; the server damages a byte in its middle, which is in span 2. */
const DAMAGED = 'gzip-level6.tar.gz';

/** Runs every check. What a check throws is its problem. */
export async function runChecks(): Promise<readonly CheckResult[]> {
  const layers: GoldenLayers = await (await fetch('/layers.json')).json();
  return [
    await check('there is nothing of Node', async () => 'process' in globalThis && ['`process` is there']),
    await check('every golden layer gives the zTOCs of the reference', () => compareZtocs(layers)),
    await check('every layer that the reference refuses is refused', () => expectRefusals(layers)),
    await check('every file reads back by HTTP ranges', readEveryFile),
    await check('one file takes one range', readOneFile),
    await check('a damaged span is found, and the others can be read', readDamagedLayer),
    await check('a server without ranges is refused', () =>
      problemsOfError('SOURCE_READ_FAILED', () => httpSource(`/whole/${DAMAGED}`)),
    ),
    await check('a build can be aborted', abortBuild),
  ];
}

async function abortBuild(): Promise<readonly string[]> {
  const build = buildZtoc(await openStream(`/layers/${DAMAGED}`), { signal: AbortSignal.abort('enough') });
  const found = await build.then(() => 'a zTOC', String);
  return found === 'enough' ? [] : [`it gave ${found}, and the reason of the signal was expected`];
}

async function check(subject: string, findProblems: () => Promise<false | readonly string[]>): Promise<CheckResult> {
  try {
    return { subject, problems: (await findProblems()) || [] };
  } catch (error) {
    return { subject, problems: [error instanceof Error ? `${error.message}\n${error.stack}` : String(error)] };
  }
}

/** Builds from the stream of a response's body, as a page would. */
async function compareZtocs(layers: GoldenLayers): Promise<readonly string[]> {
  const problems: string[] = [];
  let count = 0;
  for (const [name, { sha256, ztocs }] of Object.entries(layers)) {
    for (const [spanSize, expected] of Object.entries(ztocs)) {
      count++;
      const built = await buildZtoc(await openStream(`/layers/${name}`), { spanSize: Number(spanSize) });
      const encoded = encodeZtoc(built.ztoc);
      const problem = (what: string) => problems.push(`${name}, span size ${spanSize}: ${what}`);
      if (built.layerDigest !== `sha256:${sha256}`) problem('the digest of the layer is wrong');
      const digest = await digestOf(encoded);
      if (digest !== expected.digest) problem('the zTOC is another');
      if ((await digestOf(encodeZtoc(decodeZtoc(encoded)))) !== digest) problem('decoding loses something');
    }
  }
  if (count === 0) problems.push('there are no golden layers');
  return problems;
}

async function expectRefusals(layers: GoldenLayers): Promise<readonly string[]> {
  const refused = Object.entries(layers).filter(([, layer]) => layer.refused !== undefined);
  const problems: string[] = refused.length === 0 ? ['there are none'] : [];
  for (const [name, { algorithm }] of refused) {
    try {
      await buildZtoc(await openStream(`/layers/${name}`), { compression: algorithm });
      problems.push(`${name} is taken`);
    } catch (error) {
      if (!(error instanceof ZtocError)) problems.push(`${name}: ${error}`);
    }
  }
  return problems;
}

/** Compares with the server's own decompression. */
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
        problems.push(`${name}: ${new TextDecoder().decode(file.name)} is not what it was`);
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
  if (file.length !== 86_720) problems.push(`the file has ${file.length} bytes`);
  if (span.compressedEnd - span.compressedStart > source.size / 6) problems.push('the range is most of the layer');
  if (ranges.length !== 1 || ranges[0] !== expected) problems.push(`asked for ${ranges}, and ${expected} was expected`);
  return problems;
}

async function readDamagedLayer(): Promise<readonly string[]> {
  const { ztoc } = await buildZtoc(await openStream(`/layers/${DAMAGED}`), { spanSize: SPAN_SIZE });
  const reader = openZtoc(ztoc, await httpSource(`/damaged/${DAMAGED}`));
  const problems: string[] = [];
  const isDamaged = (file: FileEntry) => reader.spansOf(file).some(({ id }) => id === 2);
  for (const file of [...reader.list()].filter(({ type }) => type === 'reg')) {
    if (!isDamaged(file)) await reader.readFile(file);
    else problems.push(...(await problemsOfError('SPAN_DIGEST_MISMATCH', () => reader.readFile(file))));
  }
  return problems;
}

async function problemsOfError(code: ZtocErrorCode, attempt: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await attempt();
    return [`it went well, and ${code} was expected`];
  } catch (error) {
    return error instanceof ZtocError && error.code === code ? [] : [`${error}, and ${code} was expected`];
  }
}

async function openStream(url: string): Promise<ReadableStream<Uint8Array>> {
  const { body } = await fetch(url);
  if (body === null) throw new Error(`${url} has no body`);
  return body;
}

/** By the browser's own SHA-256, not the package's. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice()));
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
