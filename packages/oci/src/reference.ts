import { isDigest } from './digest.ts';
import { OciError } from './errors.ts';
import { quoteText } from './escape-text.ts';

/**
 * An image reference: `[domain/]path[:tag][@digest]`. Nothing is added: `ubuntu` has no domain and no tag, and the
 * caller chooses the registry. (Docker expands it to `docker.io/library/ubuntu:latest`.)
 */
export interface Reference {
  /** Host of the registry with its port: `localhost:5000`, `[::1]:443`. May be a single word without dot or port. */
  readonly domain?: string;
  /** Name of the repository in the registry. */
  readonly path: string;
  /** Tag. */
  readonly tag?: string;
  /** Digest. Takes precedence over the tag. */
  readonly digest?: string;
}

/**
 * Maximum length of a repository name, in characters.
 * @see distribution/reference v0.6.0, `RepositoryNameTotalLengthMax`
 */
const MAX_REPOSITORY_LENGTH = 255;

/** Maximum length of a reference, in characters: a DNS name with a port, and the maximum of each other part. */
const MAX_REFERENCE_LENGTH = 1024;

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN_PATTERN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const PATH_PATTERN = new RegExp(`^${PATH_COMPONENT}(?:/${PATH_COMPONENT})*$`);
const TAG_PATTERN = /^\w[\w.-]{0,127}$/;

/**
 * Parses an image reference according to the grammar of the distribution project.
 *
 * @throws OciError `REFERENCE_INVALID`, with the invalid part.
 * @see github.com/distribution/reference v0.6.0, reference.go, `Parse`, and regexp.go
 */
export function parseReference(text: string): Reference {
  if (text === '') throw new OciError('REFERENCE_INVALID', 'the image reference is empty');
  if (text.length > MAX_REFERENCE_LENGTH) {
    const message = `the image reference has ${text.length} characters, more than the limit of ${MAX_REFERENCE_LENGTH}: ${text.slice(0, 80)}...`;
    throw new OciError('REFERENCE_INVALID', message);
  }
  const [named, digest] = cutAt(text, text.indexOf('@'));
  const colon = named.lastIndexOf(':');
  const [name, tag] = cutAt(named, colon > named.lastIndexOf('/') ? colon : -1);

  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(text, `${quoteText(digest)} is not a sha256 or sha512 digest`);
  }
  if (tag !== undefined && !TAG_PATTERN.test(tag)) {
    throw invalid(
      text,
      `${quoteText(tag)} is not a tag. Use up to 128 letters, digits, _ . and -, not starting with . or -`,
    );
  }
  return {
    ...splitName(name, text),
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** Formats a reference for {@link parseReference}. */
export function formatReference({ domain, path, tag, digest }: Reference): string {
  const name = domain === undefined ? path : `${domain}/${path}`;
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/**
 * Reports whether registries accept `text` as a tag: up to 128 letters, digits, `_`, `.` and `-`, not starting with `.`
 * or `-`.
 */
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
    // As with the name of a branch.
    const hint = rest?.includes(':') ? ': a tag cannot contain /' : '';
    throw invalid(text, `${quoteText(name)} is not a repository name${hint}`);
  }
  if (path.length > MAX_REPOSITORY_LENGTH) {
    throw invalid(
      text,
      `the repository name has ${path.length} characters, more than the limit of ${MAX_REPOSITORY_LENGTH}`,
    );
  }
  return hasDomain ? { domain: first, path } : { path };
}

/** Returns the text before and after the separator at `position`; the whole text and undefined if it is -1. */
function cutAt(text: string, position: number): [string, string | undefined] {
  return position === -1 ? [text, undefined] : [text.slice(0, position), text.slice(position + 1)];
}

function invalid(text: string, reason: string): OciError {
  return new OciError('REFERENCE_INVALID', `invalid image reference ${quoteText(text)}: ${reason}`);
}
