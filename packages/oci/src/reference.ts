import { isDigest } from './digest.ts';
import { OciError } from './errors.ts';

/**
 * An image reference: `[domain/]path[:tag][@digest]`. Nothing is filled in: `ubuntu` has no domain and no tag, and
 * which registry that means is for the caller to say. (Docker would read `docker.io/library/ubuntu:latest`.)
 */
export interface Reference {
  /** Host of the registry, with its port: `localhost:5000`, `[::1]:443`. A first component without dot or port counts too. */
  readonly domain?: string;
  /** Name of the repository within the registry. */
  readonly path: string;
  /** Name of a version; it may move. */
  readonly tag?: string;
  /** Digest of a version; it takes precedence over a tag. */
  readonly digest?: string;
}

/** Longest path of a repository, in characters. @see distribution/reference v0.6.0, `RepositoryNameTotalLengthMax` */
const MAX_REPOSITORY_LENGTH = 255;

/** Longest reference, in characters: a DNS name with a port, and each other part at its longest. */
const MAX_REFERENCE_LENGTH = 1024;

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN_PATTERN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const PATH_PATTERN = new RegExp(`^${PATH_COMPONENT}(?:/${PATH_COMPONENT})*$`);
const TAG_PATTERN = /^\w[\w.-]{0,127}$/;

/**
 * Parses an image reference as the distribution project's grammar says.
 *
 * @throws OciError `REFERENCE_INVALID`, naming the part.
 * @see github.com/distribution/reference v0.6.0, reference.go, `Parse`, and regexp.go
 */
export function parseReference(text: string): Reference {
  if (text === '') throw new OciError('REFERENCE_INVALID', 'an image reference must not be empty');
  if (text.length > MAX_REFERENCE_LENGTH) {
    const message = `an image reference of ${text.length} characters is longer than ${MAX_REFERENCE_LENGTH}: ${text.slice(0, 80)}...`;
    throw new OciError('REFERENCE_INVALID', message);
  }
  const [named, digest] = cutAt(text, text.indexOf('@'));
  const colon = named.lastIndexOf(':');
  const [name, tag] = cutAt(named, colon > named.lastIndexOf('/') ? colon : -1);

  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(text, `${JSON.stringify(digest)} is no digest of sha256 or sha512`);
  }
  if (tag !== undefined && !TAG_PATTERN.test(tag)) {
    throw invalid(
      text,
      `${JSON.stringify(tag)} is no tag: up to 128 letters, digits, _ . and -, the last two not first`,
    );
  }
  return {
    ...splitName(name, text),
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** Writes a reference as {@link parseReference} reads it. */
export function formatReference({ domain, path, tag, digest }: Reference): string {
  const name = domain === undefined ? path : `${domain}/${path}`;
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** Whether `text` is a tag as a registry takes it: up to 128 letters, digits, `_`, `.` and `-`, the last two not first. */
export function isTag(text: string): boolean {
  return TAG_PATTERN.test(text);
}

function splitName(name: string, text: string): Pick<Reference, 'domain' | 'path'> {
  const slash = name.indexOf('/');
  const [first, rest] = cutAt(name, slash);
  const hasDomain = rest !== undefined && DOMAIN_PATTERN.test(first) && PATH_PATTERN.test(rest);
  const path = hasDomain ? rest : name;
  if (!PATH_PATTERN.test(path)) {
    const lower = path.toLowerCase();
    if (PATH_PATTERN.test(lower) || (DOMAIN_PATTERN.test(first) && PATH_PATTERN.test(rest?.toLowerCase() ?? ''))) {
      throw invalid(text, 'the repository name must be in lower case');
    }
    throw invalid(text, `${JSON.stringify(name)} is no repository name`);
  }
  if (path.length > MAX_REPOSITORY_LENGTH) {
    throw invalid(text, `the repository name has ${path.length} characters: the limit is ${MAX_REPOSITORY_LENGTH}`);
  }
  return hasDomain ? { domain: first, path } : { path };
}

/** Text before and after the separator at `position`; all of it, and undefined, where that is -1. */
function cutAt(text: string, position: number): [string, string | undefined] {
  return position === -1 ? [text, undefined] : [text.slice(0, position), text.slice(position + 1)];
}

function invalid(text: string, reason: string): OciError {
  return new OciError('REFERENCE_INVALID', `${JSON.stringify(text)} is no image reference: ${reason}`);
}
