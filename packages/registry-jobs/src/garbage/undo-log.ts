import { digestOf, isDigest, isImageIndex, isTag, listSuccessors, parseDigest, readReferral } from '@soci/oci';
import { RegistryJobsError } from '../errors.ts';

/** A manifest that is about to be deleted. */
export interface UndoManifest {
  readonly repository: string;
  readonly digest: string;
  readonly mediaType: string;
  /** Tags that lead to it. */
  readonly tags: readonly string[];
  readonly content: Uint8Array;
}

/** A manifest of an undo log, without its content. */
export interface UndoEntry extends Omit<UndoManifest, 'content'> {
  /** Digests of the manifests that must exist before it: what it lists, and what it refers to. */
  readonly after: readonly string[];
  /** Reads the content. */
  read(): Promise<Uint8Array>;
}

/** Returns the entry of a manifest. @param read - Reads its content again. @default keeps the content */
export function toUndoEntry(
  { content, ...manifest }: UndoManifest,
  read: () => Promise<Uint8Array> = async () => content,
): UndoEntry {
  const descriptor = { digest: manifest.digest, mediaType: manifest.mediaType, size: content.length };
  const listed = isImageIndex(manifest.mediaType) ? listSuccessors(descriptor, content) : [];
  const subject = readReferral(descriptor, content)?.subject;
  const after = [...listed.map(({ digest }) => digest), ...(subject === undefined ? [] : [subject])];
  return { ...manifest, after, read };
}

/** Receives the manifests that are about to be deleted. */
export interface UndoLog {
  /** Adds a manifest. */
  add(manifest: UndoManifest): Promise<void>;
  /** Makes the log durable. Nothing is deleted before this has succeeded. */
  commit(): Promise<void>;
}

/** The first line of an undo log. */
export interface UndoHeader {
  /** Host of the registry. */
  readonly host: string;
  /** Time of the deletion, RFC 3339. */
  readonly createdAt: string;
}

// An undo log is JSON Lines: a header, one line for each manifest, and a last line with their number. Without the last line,
// the log is incomplete. docs/formats.md describes the fields.

const KIND = 'soci-index-gc-undo';
const SCHEMA_VERSION = 1;

/** Maximum length of a line, in characters: a manifest of 4 MiB in base64, and 1,000 tags. */
export const MAX_UNDO_LINE = 8 << 20;

/** Formats the lines of an undo log. */
export class UndoFormatter {
  #count = 0;

  /** Returns the first line. */
  header(header: UndoHeader): string {
    return line({ kind: KIND, schemaVersion: SCHEMA_VERSION, ...header });
  }

  /** Returns the line of a manifest. */
  manifest({ content, ...fields }: UndoManifest): string {
    this.#count += 1;
    return line({ ...fields, content: Buffer.from(content).toString('base64') });
  }

  /** Returns the last line. Without it, the log is incomplete. */
  end(): string {
    return line({ end: true, manifests: this.#count });
  }
}

/**
 * Parses an undo log line by line. Each manifest must match its digest.
 *
 * Methods throw RegistryJobsError `UNDO_INVALID` if the log is another file, incomplete, or has a newer format.
 */
export class UndoParser {
  readonly #name: string;
  #header: UndoHeader | undefined;
  #end: Record<string, unknown> | undefined;
  #lines = 0;
  #manifests = 0;

  /** @param name - Name of the log, for error messages. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Parses the next line, without its line feed. Returns its manifest; undefined for the first and the last line. */
  push(text: string): UndoManifest | undefined {
    const position = `${this.#name}, line ${++this.#lines}`;
    if (this.#end !== undefined) {
      throw invalid(`${position}: text follows the last line. Use the file as "gc" wrote it.`);
    }
    const fields = parseLine(text, position, this.#header === undefined ? this.#name : undefined);
    if (this.#header === undefined) this.#header = parseHeader(fields, this.#name);
    else if (fields.end === true) this.#end = fields;
    else {
      this.#manifests += 1;
      return parseManifestLine(fields, position);
    }
    return undefined;
  }

  /** Checks that the log is complete. Returns its header. */
  finish(): UndoHeader {
    if (this.#header === undefined) throw invalid(`${this.#name} is empty, not an undo file of "gc"`);
    if (this.#end?.manifests === this.#manifests) return this.#header;
    throw invalid(
      `${this.#name} is incomplete: its end is missing. "gc" deletes nothing before this file is complete, so use another copy of it.`,
    );
  }
}

/** An undo log that has been read completely. */
export interface ParsedUndoLog {
  readonly header: UndoHeader;
  readonly manifests: readonly UndoManifest[];
}

/**
 * Parses an undo log that is not in a file, and keeps its contents in memory. For files, use `readUndoFile`.
 *
 * @param lines - The lines without line feeds, of at most 8,388,608 characters.
 * @param name - Name of the log, for error messages.
 * @throws RegistryJobsError `UNDO_INVALID` if the log is another file, incomplete, or has a newer format.
 */
export async function parseUndoLog(lines: AsyncIterable<string>, name: string): Promise<ParsedUndoLog> {
  const parser = new UndoParser(name);
  const manifests: UndoManifest[] = [];
  for await (const text of lines) {
    const manifest = parser.push(text);
    if (manifest !== undefined) manifests.push(manifest);
  }
  return { header: parser.finish(), manifests };
}

/** Parses the line of a manifest again. @param position - Where the line is, for error messages. */
export function parseUndoManifest(text: string, position: string): UndoManifest {
  return parseManifestLine(parseLine(text, position, undefined), position);
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function parseLine(text: string, position: string, foreign: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  if (foreign !== undefined) throw invalid(`${foreign} is not an undo file of "gc"`);
  throw invalid(`${position} is not a JSON object: the file is damaged or incomplete. Use another copy of it.`);
}

function parseHeader({ kind, schemaVersion, host, createdAt }: Record<string, unknown>, name: string): UndoHeader {
  if (kind !== KIND || typeof host !== 'string' || typeof createdAt !== 'string') {
    throw invalid(`${name} is not an undo file of "gc"`);
  }
  if (schemaVersion === SCHEMA_VERSION) return { host, createdAt };
  throw invalid(
    `${name} has the schema version ${String(schemaVersion)}, and this program reads version ${SCHEMA_VERSION}. Install a newer version.`,
  );
}

function parseManifestLine(fields: Record<string, unknown>, position: string): UndoManifest {
  const { repository, digest, mediaType, tags, content } = fields;
  const isValid =
    typeof repository === 'string' &&
    typeof digest === 'string' &&
    isDigest(digest) &&
    typeof mediaType === 'string' &&
    Array.isArray(tags) &&
    tags.every((tag) => typeof tag === 'string' && isTag(tag)) &&
    typeof content === 'string';
  if (!isValid) throw invalid(`${position} is not a manifest of an undo file. Use another copy of the file.`);
  const bytes = new Uint8Array(Buffer.from(content, 'base64'));
  if (digestOf(bytes, parseDigest(digest).algorithm) !== digest) {
    throw invalid(`${position}: the content does not match ${digest}. Use another copy of the file.`);
  }
  return { repository, digest, mediaType, tags, content: bytes };
}

function invalid(message: string): RegistryJobsError {
  return new RegistryJobsError('UNDO_INVALID', message);
}
