import { decodeZtoc, type FileEntry, type Ztoc } from '@soci/ztoc';

/**
 * Size of a gzip checkpoint: int64 in, int64 out, uint8 bits, window. A header precedes them: int32 count, int64 span
 * size.
 */
const CHECKPOINT_SIZE = 8 + 8 + 1 + 32_768;
const CHECKPOINTS_HEADER = 4 + 8;

/** Describes the first difference in each part of two zTOCs. Returns an empty string if they are equal. */
export function explainDifference(ours: Uint8Array, reference: Uint8Array): string {
  if (Buffer.compare(ours, reference) === 0) return '';
  try {
    const [a, b] = [decodeZtoc(ours), decodeZtoc(reference)];
    const found = [...explainMembers(a, b), ...explainFiles(a.files, b.files), ...explainSpans(a, b)];
    return found.length > 0 ? found.join('\n') : 'the same content, encoded otherwise';
  } catch (error) {
    return `one of them cannot be decoded: ${error}`;
  }
}

function* explainMembers(ours: Ztoc, reference: Ztoc): Generator<string> {
  const members = [
    'version',
    'buildToolIdentifier',
    'compressedArchiveSize',
    'uncompressedArchiveSize',
    'compression',
    'maxSpanId',
  ] as const;
  for (const member of members) {
    if (ours[member] !== reference[member])
      yield `${member}: ours ${ours[member]}, the reference's ${reference[member]}`;
  }
}

function* explainFiles(ours: readonly FileEntry[], reference: readonly FileEntry[]): Generator<string> {
  if (ours.length !== reference.length)
    yield `number of files: ours ${ours.length}, the reference's ${reference.length}`;
  const at = ours.findIndex((file, i) => show(file) !== show(reference[i]));
  if (at >= 0) yield `file ${at}:\n  ours          ${show(ours[at])}\n  the reference ${show(reference[at])}`;
}

function* explainSpans(ours: Ztoc, reference: Ztoc): Generator<string> {
  const span = ours.spanDigests.findIndex((digest, i) => digest !== reference.spanDigests[i]);
  if (span >= 0)
    yield `digest of span ${span}: ours ${ours.spanDigests[span]}, the reference's ${reference.spanDigests[span]}`;
  const byte = ours.checkpoints.findIndex((value, i) => value !== reference.checkpoints[i]);
  if (byte < 0) return;
  const inList = byte - CHECKPOINTS_HEADER;
  const place =
    inList < 0 ? 'header' : `checkpoint ${Math.floor(inList / CHECKPOINT_SIZE)}, byte ${inList % CHECKPOINT_SIZE}`;
  yield `checkpoints: byte ${byte}${ours.compression === 'gzip' ? ` (${place})` : ''}`;
}

/** Formats an entry as one line. Bytes are decoded as latin1, which loses none. */
function show(file: FileEntry | undefined): string {
  return JSON.stringify(file, (_, value: unknown) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
    return typeof value === 'bigint' ? String(value) : value;
  });
}
