import { readStream } from '../files/read-stream.ts';
import { throwFileError } from '../terminal/describe-error.ts';
import type { LogEvent, LogEvidence, LogLine, RegistryEvidence } from './evidence.ts';

/** Maximum number of bytes of a line that are read. */
const MAX_LINE = 16 << 10;

/** Maximum number of characters of a line that are shown. */
const MAX_SHOWN = 300;

const LINE_FEED = 10;

/** A message of a log. */
interface Message {
  readonly event: LogEvent;
  readonly pattern: RegExp;
  /** What the text after it must match. @default anything */
  readonly rest?: RegExp;
}

const ARTIFACTS = /unable to fetch SOCI artifacts/;

/**
 * Messages of soci-snapshotter v0.16.1 and of earlier versions, the most specific first. No pattern has an unbounded
 * repetition, because a log can be hostile.
 *
 * @see soci-snapshotter v0.16.1, fs/fs.go, snapshot/snapshot.go, fs/span-manager/span_manager.go, docs/debug.md
 */
const MESSAGES: readonly Message[] = [
  { event: 'all-lazy-modes-disabled', pattern: /all lazy pull modes are disabled/ },
  { event: 'no-labels', pattern: /unable to get image (?:ref|digest) from labels/ },
  { event: 'fuse-failed', pattern: /failed to make filesystem server|\/dev\/fuse/ },
  {
    event: 'wrong-content',
    pattern:
      /span digests do not match|unable to verify \w{1,20} header|do(?:es)? not match tar header|non-monotonic|max span ID/,
  },
  {
    event: 'artifacts-denied',
    pattern: ARTIFACTS,
    rest: /\b40[13]\b|unauthorized|forbidden|denied|no basic auth|authoriz|credential/i,
  },
  { event: 'no-index', pattern: ARTIFACTS, rest: /no existing referrers|no valid SOCI index found: not found/ },
  { event: 'artifacts-failed', pattern: ARTIFACTS },
  { event: 'parallel-pull', pattern: /with parallel pull\/unpack/ },
  { event: 'layer-too-small', pattern: /less than runtime min_layer_size/ },
  { event: 'v2-disabled', pattern: /soci v2 is disabled/ },
  { event: 'v1-disabled', pattern: /soci v1 is disabled/ },
  { event: 'mounted-lazily', pattern: /remote snapshot successfully prepared/ },
];

/** Quick test of a line before it is parsed. */
const INTERESTING = new RegExp([...MESSAGES.map(({ pattern }) => `(?:${pattern.source})`), '"outcome":"'].join('|'));

/** Any line of soci-snapshotter that shows that it works on an image. */
const SNAPSHOTTER = /snapshot|soci/i;

/** Names what a line is about, in normalized text. */
const SUBJECT = /(?:layerDigest|digest)=(\S+)|mounting layer (\S+)|layer "([^"]+)"|for image "([^"]+)"|image=(\S+)/g;

/** Where a log names an image. */
type NamedImage = Pick<RegistryEvidence, 'host' | 'repository' | 'tag' | 'root' | 'image' | 'index'>;

/**
 * Reads a log of soci-snapshotter (JSON or text, also with the prefix of journald), or of the generator function. Lines about
 * other images are ignored. The log is streamed, and long lines are cut.
 *
 * @throws CliError with the code of a system error
 */
export async function readLog(path: string, named: NamedImage, signal: AbortSignal): Promise<LogEvidence> {
  const digests = digestsOf(named);
  const name = `${named.host}/${named.repository}`;
  const isOwn = (subject: string) => digests.has(subject) || isName(subject, name);
  const events = new Map<LogEvent, { count: number; last: LogLine }>();
  let [lines, isOfSnapshotter, mentionsImage] = [0, false, false];
  for await (const line of readLines(path, signal)) {
    lines += 1;
    isOfSnapshotter ||= SNAPSHOTTER.test(line);
    mentionsImage ||=
      line.includes(name) || [...line.matchAll(/sha256:[0-9a-f]{64}/g)].some(([digest]) => digests.has(digest));
    if (!INTERESTING.test(line)) continue;
    const found = classify(line, named, isOwn);
    if (found === undefined) continue;
    const last = {
      number: lines,
      text: found.text.slice(0, MAX_SHOWN),
      ...(found.outcome !== undefined && { outcome: found.outcome }),
    };
    events.set(found.event, { count: (events.get(found.event)?.count ?? 0) + 1, last });
  }
  return { file: path, lines, events, isOfSnapshotter, mentionsImage };
}

function digestsOf({ root, image, index }: NamedImage): ReadonlySet<string> {
  const layers = image?.layers.map(({ digest }) => digest) ?? [];
  const soci =
    index === undefined || 'unread' in index
      ? []
      : [index.digest, ...index.ztocs.map(({ descriptor }) => descriptor.digest)];
  return new Set([...layers, ...soci, ...[root, image?.descriptor].flatMap((each) => each?.digest ?? [])]);
}

function isName(subject: string, name: string): boolean {
  return (
    subject === name ||
    subject.startsWith(`${name}:`) ||
    subject.startsWith(`${name}@`) ||
    subject.startsWith(`${name}/`)
  );
}

interface Classified {
  readonly event: LogEvent;
  readonly text: string;
  readonly outcome?: string;
}

function classify(line: string, named: NamedImage, isOwn: (subject: string) => boolean): Classified | undefined {
  const fields = parseFields(line);
  if (typeof fields.outcome === 'string') return classifyOutcome(fields, named);
  const text = [fields.msg, fields.error].filter((part) => typeof part === 'string').join(': ') || line;
  const subjects = [...`${text} ${formatFields(fields)}`.matchAll(SUBJECT)].map(
    (match) => match.slice(1).find(Boolean) ?? '',
  );
  if (subjects.length > 0 && !subjects.some(isOwn)) return undefined;
  const event = MESSAGES.find((message) => matches(text, message))?.event;
  return event && { event, text };
}

function matches(text: string, { pattern, rest }: Message): boolean {
  const at = text.search(pattern);
  return at !== -1 && (rest === undefined || rest.test(text.slice(at)));
}

/** Accepts a line of the generator or filter function about the image: by digest, or by repository and tag. */
function classifyOutcome(fields: Fields, { repository, tag, root }: NamedImage): Classified | undefined {
  const isOwn =
    fields.digest === root?.digest || (fields.repository === repository && tag !== undefined && fields.tag === tag);
  if (!isOwn) return undefined;
  const reason = typeof fields.reason === 'string' ? ` (${fields.reason})` : '';
  const text = typeof fields.message === 'string' ? fields.message : `${fields.outcome}${reason}`;
  return { event: 'generator-outcome', text, outcome: `${fields.outcome}${reason}` };
}

type Fields = Readonly<Record<string, unknown>>;

/** Parses the fields of a line: JSON after any prefix, or `key=value` and `key="value"`. */
function parseFields(line: string): Fields {
  const start = line.indexOf('{');
  if (start !== -1) {
    try {
      const value: unknown = JSON.parse(line.slice(start));
      if (typeof value === 'object' && value !== null) return value as Fields;
    } catch {
      // It is text.
    }
  }
  const fields: Record<string, unknown> = Object.create(null);
  for (const [, key = '', quoted, plain] of line.matchAll(/(\w{1,40})=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g)) {
    fields[key] = quoted?.replace(/\\(.)/g, '$1') ?? plain;
  }
  return fields;
}

function formatFields({ layerDigest, digest, image }: Fields): string {
  return Object.entries({ layerDigest, digest, image })
    .flatMap(([key, value]) => (typeof value === 'string' ? `${key}=${value}` : []))
    .join(' ');
}

/** Yields the lines of a file, without their ends. Bytes after the first {@link MAX_LINE} of a line are dropped. */
async function* readLines(path: string, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const keep = (part: Buffer) => {
    const kept = part.subarray(0, Math.max(0, MAX_LINE - length));
    if (kept.length > 0) parts.push(kept);
    length += kept.length;
  };
  const take = () => {
    const line = (parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)).toString('utf8');
    parts = [];
    length = 0;
    return line;
  };
  try {
    for await (const chunk of readStream(path, signal)) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
        keep(chunk.subarray(from, end));
        yield take();
        from = end + 1;
      }
      // A copy, because the buffer may be used again.
      if (from < chunk.length) keep(Buffer.from(chunk.subarray(from)));
    }
    if (length > 0) yield take();
  } catch (error) {
    signal.throwIfAborted();
    throwFileError(path)(error);
  }
}
