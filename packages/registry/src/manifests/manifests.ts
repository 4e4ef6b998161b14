import {
  type Descriptor,
  describeManifest,
  digestOf,
  isDigest,
  isImageIndex,
  isManifestOrIndex,
  type ListedManifest,
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  OciError,
  type OciLimits,
  parseDigest,
  parseImageIndex,
  parseManifest,
  readAgainIfDamaged,
} from '@soci/oci';
import { blobPath } from '../blobs/remote-blob.ts';
import {
  checkContent,
  checkManifestStored,
  digestHeader,
  invalidResponse,
  isDigestMismatch,
  mediaTypeOf,
  rejectHtml,
} from '../client/check-response.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import { systemTiming } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import { checkReference } from '../names.ts';
import { type Context, exchange } from '../repository-context.ts';
import { describeRequest, type HttpBody } from '../transport/http-message.ts';

/**
 * The `Accept` header: all supported types, so that registries do not convert manifests (ECR does, by tag), and any
 * other type, so that an unsupported manifest is reported as such, not as missing. containerd sends the same list, so
 * registries handle it.
 */
const ACCEPT = [
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  '*/*',
].join(', ');

/** Reports whether content of this type is stored under `/manifests/`. All other content is stored as blobs. */
export function isManifest({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return isManifestOrIndex(mediaType);
}

/** @throws OciError `MANIFEST_INVALID` for a blob, which cannot be tagged */
export function requireManifest(target: Descriptor): void {
  if (isManifest(target)) return;
  const { digest, mediaType } = target;
  throw new OciError('MANIFEST_INVALID', `${digest} is a blob (${mediaType}): only manifests can be tagged`);
}

/** Returns the URL path of a manifest. @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID` */
export function manifestPath({ path }: Context, reference: string): string {
  checkReference(reference);
  return `/v2/${path}/manifests/${reference}`;
}

/** Returns the URL path of a manifest by digest, or of a blob. @throws OciError `DIGEST_INVALID` */
export function contentPath(context: Context, target: Descriptor): string {
  return isManifest(target) ? manifestPath(context, target.digest) : blobPath(context.path, target.digest);
}

/**
 * Resolves a tag or digest by reading the manifest, which is then cached. Reads it again, once, if its bytes or the
 * digest in the header are wrong.
 */
export function resolveManifest(context: Context, reference: string): Promise<Descriptor> {
  return readAgainIfDamaged(() => resolveOnce(context, reference));
}

async function resolveOnce(context: Context, reference: string): Promise<Descriptor> {
  const response = await getManifest(context, reference);
  rejectHtml(response);
  const expected = isDigest(reference) ? reference : digestHeader('GET', response);
  const actual = expected && digestOf(response.body, parseDigest(expected).algorithm);
  if (expected !== undefined && actual !== expected) {
    const problem = `${describeRequest('GET', response.url)}: the received manifest has the digest ${actual}`;
    if (isDigest(reference)) throw new OciError('DIGEST_MISMATCH', problem);
    try {
      return await resolveOnce(context, expected); // the digest that the header names
    } catch (cause) {
      if (!(cause instanceof OciError && cause.code === 'NOT_FOUND')) throw cause;
      const contradiction = `but its header says ${expected}, which does not exist`;
      throw new OciError('DIGEST_MISMATCH', `${problem}, ${contradiction}`, { cause });
    }
  }
  const found = describeResponse(response, context.limits, expected);
  context.manifests.add(found.digest, response.body);
  return found;
}

/** Returns the verified bytes of a manifest. Reads them again, once, if they are wrong. */
export async function readManifest(context: Context, target: Descriptor): Promise<Uint8Array> {
  context.signal?.throwIfAborted();
  const cached = context.manifests.get(target);
  if (cached !== undefined) return cached;
  checkManifestSize(context, target);
  const raw = await readAgainIfDamaged(async () => {
    const response = await getManifest(context, target.digest);
    rejectHtml(response);
    checkContent(response.body, target, `the response to ${describeRequest('GET', response.url)}`);
    return response.body;
  });
  context.manifests.add(target.digest, raw);
  return raw;
}

/** A manifest as the registry names it. Its bytes have not been read. */
export type FoundManifest = Pick<Descriptor, 'digest' | 'mediaType'>;

/**
 * Returns what a tag or digest refers to, without reading it; undefined if it does not exist. Reads the manifest if the
 * registry does not support HEAD or sends no digest.
 */
export async function findManifest(context: Context, reference: string): Promise<FoundManifest | undefined> {
  const target = manifestPath(context, reference);
  const headers = { accept: ACCEPT };
  const response = await exchange(context, 'pull', { method: 'HEAD', target, headers, expected: [404, 405] });
  if (response.status === 404) return undefined;
  const digest = response.status === 405 ? undefined : digestHeader('HEAD', response);
  if (digest !== undefined) return { digest, mediaType: mediaTypeOf(response) };
  try {
    const resolved = await resolveManifest(context, reference);
    return { digest: resolved.digest, mediaType: resolved.mediaType };
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** Returns the verified bytes of a manifest of any media type; undefined if it does not exist. */
export async function readAnyManifest(context: Context, digest: string): Promise<ListedManifest | undefined> {
  const { algorithm } = parseDigest(digest);
  return readAgainIfDamaged(async () => {
    const request = { method: 'GET', target: manifestPath(context, digest), headers: { accept: ACCEPT } } as const;
    const response = await exchange(context, 'pull', { ...request, expected: [404] }, context.maxManifestSize);
    if (response.status === 404) return undefined;
    rejectHtml(response);
    const actual = digestOf(response.body, algorithm);
    if (actual !== digest) {
      const problem = `the received manifest has the digest ${actual}`;
      throw new OciError('DIGEST_MISMATCH', `${describeRequest('GET', response.url)}: ${problem}`);
    }
    return { digest, mediaType: mediaTypeOf(response), content: response.body };
  });
}

/**
 * Reports whether a manifest or a blob with this digest and size exists, without reading it. False if the registry does
 * not support HEAD for it: then the caller pushes it again, which does no harm.
 */
export async function probeContent(context: Context, target: Descriptor): Promise<boolean> {
  const path = contentPath(context, target);
  const headers: Record<string, string> = isManifest(target) ? { accept: ACCEPT } : {};
  const response = await exchange(context, 'pull', { method: 'HEAD', target: path, headers, expected: [404, 405] });
  if (response.status === 404 || response.status === 405) return false;
  // A response without a size counts as a match.
  const size = response.headers['content-length'];
  return size === undefined || Number(size) === target.size;
}

/**
 * Pushes a manifest under a tag or its digest. The caller has verified the bytes.
 *
 * @returns Whether the registry acknowledged the subject, which means that it lists the manifest as a referrer.
 * @see OCI distribution-spec v1.1, "Pushing Manifests"
 */
export async function sendManifest(
  context: Context,
  target: Descriptor,
  body: HttpBody,
  reference: string,
): Promise<boolean> {
  try {
    const path = manifestPath(context, reference);
    const headers = { 'content-type': target.mediaType };
    const response = await exchange(context, 'push', { method: 'PUT', target: path, headers, body });
    try {
      checkManifestStored(response, target);
    } catch (error) {
      if (!isDigestMismatch(error) || !(await isStored(context, target, reference))) throw error;
    }
    return response.headers['oci-subject'] !== undefined;
  } catch (error) {
    if (!(error instanceof RegistryError && error.code === 'TAG_IMMUTABLE') || isDigest(reference)) throw error;
    await acceptUnchangedTag(context, target, reference, error);
    return false;
  }
}

/** Reads a manifest back, because the response to its PUT has another digest. Reports whether it is the same. */
async function isStored(context: Context, target: Descriptor, reference: string): Promise<boolean> {
  try {
    return (await readBack(context, target, reference)) === undefined;
  } catch (error) {
    if (error instanceof OciError) return false;
    throw error;
  }
}

/** Maximum number of times that a manifest is looked for after it was pushed. Some registries are eventually consistent. */
const MAX_CONFIRMATIONS = 3;

/**
 * Checks with a HEAD that a registry stored a pushed manifest: that its tag, or its digest if it has none, refers to it.
 * Repeats the check only if it fails. The scope is that of the push, so that no other token is needed.
 *
 * @throws RegistryError `RESPONSE_INVALID`
 */
export async function confirmManifest(context: Context, target: Descriptor, reference: string): Promise<void> {
  const path = manifestPath(context, reference);
  for (let check = 1; ; check += 1) {
    const response = await exchange(context, 'push', {
      method: 'HEAD',
      target: path,
      headers: { accept: ACCEPT },
      expected: [404, 405],
    });
    // Some registries do not support HEAD.
    const problem = response.status === 405 ? await readBack(context, target, reference) : compare(response, target);
    if (problem === undefined) return;
    if (check === MAX_CONFIRMATIONS) {
      const cause = 'the manifest was not stored, or another client moved the tag';
      throw invalidResponse('HEAD', response, `shows that ${reference} ${problem} after a successful PUT: ${cause}`);
    }
    await systemTiming.wait((context.retry.baseDelay ?? 250) * 2 ** check, context.signal);
  }
}

/** Returns what differs between the response to a HEAD and the manifest, if anything. */
function compare(response: WholeResponse, { digest, size }: Descriptor): string | undefined {
  if (response.status === 404) return 'does not exist';
  if (mediaTypeOf(response) === 'text/html') return 'is an HTML page';
  const found = digestHeader('HEAD', response);
  if (found !== undefined && parseDigest(found).algorithm === parseDigest(digest).algorithm) {
    return found === digest ? undefined : `refers to ${found} instead of ${digest}`;
  }
  // Without a digest of the same algorithm, only the size can be compared.
  const length = response.headers['content-length'];
  return length === undefined || Number(length) === size ? undefined : `has ${length} bytes instead of ${size}`;
}

/** Like {@link compare}, with a GET. */
async function readBack(context: Context, { digest }: Descriptor, reference: string): Promise<string | undefined> {
  const found = await resolveManifest(context, reference);
  return found.digest === digest ? undefined : `refers to ${found.digest} instead of ${digest}`;
}

/** Setting an immutable tag to the manifest that it already refers to is not an error. */
async function acceptUnchangedTag(
  context: Context,
  target: Descriptor,
  tag: string,
  cause: RegistryError,
): Promise<void> {
  const current = await resolveManifest(context, tag);
  if (current.digest === target.digest) return;
  throw new RegistryError(
    'TAG_IMMUTABLE',
    `the immutable tag ${context.name}:${tag} refers to ${current.digest} and cannot be moved to ${target.digest}: choose ` +
      'another tag, or exclude this one from immutability (in Amazon ECR with an exclusion filter, such as *-soci)',
    { cause, refusals: cause.refusals, request: cause.request, status: cause.status },
  );
}

/** @throws OciError `LIMIT_EXCEEDED` if a manifest is larger than the limit */
export function checkManifestSize({ maxManifestSize }: Context, { digest, size }: Descriptor): void {
  if (size <= maxManifestSize) return;
  throw new OciError(
    'LIMIT_EXCEEDED',
    `the manifest ${digest} has ${size} bytes, the limit is ${maxManifestSize}: registries reject larger ones`,
  );
}

function getManifest(context: Context, reference: string): Promise<WholeResponse> {
  const target = manifestPath(context, reference);
  return exchange(context, 'pull', { method: 'GET', target, headers: { accept: ACCEPT } }, context.maxManifestSize);
}

/**
 * Returns the descriptor of a received manifest. The `Content-Type` of the response and the `mediaType` of the manifest
 * must agree.
 *
 * @param algorithmOf - A digest whose algorithm is used.
 */
function describeResponse(response: WholeResponse, limits: OciLimits, algorithmOf?: string): Descriptor {
  rejectHtml(response);
  const raw = response.body;
  try {
    const described = describeManifest(raw, limits.maxManifestSize);
    const contentType = mediaTypeOf(response);
    const mediaType = isManifestOrIndex(contentType) ? contentType : described.mediaType;
    // The media types may differ only if the manifest does not state its own; parsing checks this.
    if (mediaType !== described.mediaType) {
      const parse = isImageIndex(mediaType) ? parseImageIndex : parseManifest;
      parse(raw, { mediaType }, limits);
    }
    const digest = algorithmOf === undefined ? described.digest : digestOf(raw, parseDigest(algorithmOf).algorithm);
    return { mediaType, digest, size: raw.length };
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    const where = describeRequest('GET', response.url);
    throw new OciError(error.code, `${where}: ${error.message}`, { cause: error });
  }
}
