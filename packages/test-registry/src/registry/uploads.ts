import { randomBytes, randomUUID } from 'node:crypto';
import { parseDigest } from '@soci/oci';
import type { IncomingRequest } from '../http/incoming-request.ts';
import { type Reply, type ReplyHeaders, RequestError } from '../http/reply.ts';
import { checkDigest } from './blobs.ts';
import { type Call, locate, type RegistrySettings, type UploadSession, writableRepository } from './registry.ts';

/**
 * `POST`: opens an upload, mounts a blob, or accepts a whole blob, depending on the query.
 *
 * @see OCI distribution-spec v1.1, "Pushing blobs"
 */
export async function startUpload(call: Call): Promise<Reply> {
  const { registry, incoming } = call;
  const mounted = tryMount(call);
  if (mounted !== undefined) return replyCreated(call, mounted);
  const digest = incoming.query.get('digest');
  if (digest !== null) checkDigest(digest);
  else if (incoming.length !== 0) {
    const message = 'a POST without a digest must not have a body: send the blob with PATCH or PUT';
    throw new RequestError(400, 'BLOB_UPLOAD_INVALID', message);
  }
  const session = await begin(call);
  if (digest !== null && registry.settings.singlePost) {
    await receive(session, incoming);
    return finish(call, session, digest);
  }
  const { minChunkSize } = registry.settings;
  const minimum = minChunkSize > 0 ? { 'oci-chunk-min-length': String(minChunkSize) } : {};
  return { status: 202, headers: { ...sessionHeaders(call, session), ...minimum } };
}

/** `GET`: returns the offset of an upload. */
export async function getUpload(call: Call): Promise<Reply> {
  return { status: 204, headers: sessionHeaders(call, findSession(call)) };
}

/** `PATCH`: accepts the next chunk. @see OCI distribution-spec v1.1, "Pushing a blob in chunks" */
export async function appendUpload(call: Call): Promise<Reply> {
  const { registry, incoming } = call;
  const session = findSession(call);
  await writing(session, async () => {
    checkContentRange(call, session);
    checkPart(session, registry.settings, incoming);
    await receive(session, incoming);
  });
  if (!registry.settings.ecr) return { status: 202, headers: sessionHeaders(call, session) };
  // ECR responds with 201 and a range that stays at the end of the first chunk. @see aws/containers-roadmap, issue 2831
  const range = `0-${Math.max(0, (session.parts[0] ?? 0) - 1)}`;
  return { status: 201, headers: { ...sessionHeaders(call, session), range } };
}

/** `PUT`: accepts the last chunk, if any, and completes the upload. */
export async function finishUpload(call: Call): Promise<Reply> {
  const { registry, incoming } = call;
  const session = findSession(call);
  const digest = incoming.query.get('digest');
  if (digest === null) throw new RequestError(400, 'DIGEST_INVALID', 'the digest is missing from the query');
  checkDigest(digest);
  return writing(session, async () => {
    checkContentRange(call, session);
    if (incoming.length !== 0) checkPart(session, registry.settings, incoming);
    await receive(session, incoming);
    return finish(call, session, digest);
  });
}

/** `DELETE`: cancels an upload. */
export async function cancelUpload(call: Call): Promise<Reply> {
  await cancel(call, findSession(call));
  return { status: 204 };
}

async function begin({ registry, name }: Call): Promise<UploadSession> {
  const [id, state] = [randomUUID(), randomBytes(12).toString('base64url')];
  const session = { id, name, state, writer: await registry.store.blobs.createWriter(), parts: [], isBusy: false };
  registry.uploads.set(id, session);
  return session;
}

async function cancel({ registry }: Call, { id, writer }: UploadSession): Promise<void> {
  registry.uploads.delete(id);
  await writer.cancel();
}

/**
 * Mounts a blob of another repository if the query requests it and the client may pull from there. ECR mounts only
 * blobs that a manifest refers to (aws/containers-roadmap, issue 2860). Returns the digest, or undefined if an upload
 * must be opened.
 */
function tryMount(call: Call): string | undefined {
  const { registry, policy, incoming } = call;
  const repository = writableRepository(call);
  const mount = incoming.query.get('mount');
  if (mount === null) return undefined;
  const digest = checkDigest(mount);
  const from = registry.store.repository(incoming.query.get('from') ?? '');
  if (!from?.hasBlob(digest) || (registry.settings.ecr && !from.refersTo(digest))) return undefined;
  if (policy(incoming, [{ type: 'repository', name: from.name, actions: ['pull'] }]) !== undefined) return undefined;
  repository.addBlob(digest);
  return digest;
}

async function finish(call: Call, session: UploadSession, digest: string): Promise<Reply> {
  const { registry } = call;
  checkSizes(session.parts.slice(0, -1), registry.settings);
  const actual = await session.writer.digest(parseDigest(digest).algorithm);
  if (actual !== digest) {
    await cancel(call, session);
    throw new RequestError(400, 'DIGEST_INVALID', `the content has the digest ${actual}, expected ${digest}`);
  }
  registry.uploads.delete(session.id);
  await registry.store.blobs.commit(session.writer, digest);
  writableRepository(call).addBlob(digest);
  return replyCreated(call, digest);
}

async function receive(session: UploadSession, incoming: IncomingRequest): Promise<void> {
  const type = incoming.headers['content-type'];
  if (incoming.length !== 0 && type !== undefined && type !== 'application/octet-stream') {
    const message = `the Content-Type of a blob must be application/octet-stream, found ${type}`;
    throw new RequestError(400, 'BLOB_UPLOAD_INVALID', message);
  }
  session.writer.reserve(incoming.length ?? 0);
  const before = session.writer.size;
  try {
    for await (const chunk of incoming.body()) await session.writer.write(chunk);
  } finally {
    // Bytes received before a connection broke are kept: clients can request the offset.
    if (session.writer.size > before) session.parts.push(session.writer.size - before);
  }
}

function findSession({ registry, incoming, name, reference }: Call): UploadSession {
  const session = registry.uploads.get(reference);
  if (session?.name === name && session.state === incoming.query.get('_state')) return session;
  throw new RequestError(404, 'BLOB_UPLOAD_UNKNOWN', `blob upload unknown to registry: ${reference} with this state`);
}

/** Rejects concurrent writes to an upload. */
async function writing<T>(session: UploadSession, write: () => Promise<T>): Promise<T> {
  if (session.isBusy) throw new RequestError(409, 'BLOB_UPLOAD_INVALID', 'another request is writing to this upload');
  session.isBusy = true;
  try {
    return await write();
  } finally {
    session.isBusy = false;
  }
}

/** Checks that the `Content-Range` of a chunk matches its length and starts at the current offset. */
function checkContentRange(call: Call, session: UploadSession): void {
  const { headers, length } = call.incoming;
  const range = headers['content-range'];
  if (range === undefined) return;
  const match = /^(\d+)-(\d+)$/.exec(range);
  if (match === null) {
    throw new RequestError(
      400,
      'BLOB_UPLOAD_INVALID',
      `the Content-Range of an upload must be <start>-<end>, found ${range}`,
    );
  }
  const [start, end] = [Number(match[1]), Number(match[2])];
  if (start !== session.writer.size) {
    const message = `the chunk starts at ${start}, expected ${session.writer.size}`;
    throw new RequestError(416, 'BLOB_UPLOAD_INVALID', message, sessionHeaders(call, session));
  }
  if (length !== end - start + 1) {
    const message = length === undefined ? 'has no Content-Length' : `has ${length} bytes`;
    throw new RequestError(400, 'SIZE_INVALID', `the chunk ${message}, its Content-Range says ${range}`);
  }
}

function sessionHeaders(call: Call, { id, state, writer }: UploadSession): ReplyHeaders {
  return {
    location: locate(call, `blobs/uploads/${id}?_state=${state}`),
    range: `0-${Math.max(0, writer.size - 1)}`,
    'docker-upload-uuid': id,
  };
}

function replyCreated(call: Call, digest: string): Reply {
  return { status: 201, headers: { location: locate(call, `blobs/${digest}`), 'docker-content-digest': digest } };
}

/** Minimum size of a part except the last: 5 MiB. @see Amazon ECR service quotas, "Minimum layer part size" */
const MIN_ECR_PART = 5 * 1024 * 1024;
/** Maximum size of a part. @see Amazon ECR API Reference, UploadLayerPart, `layerPartBlob` */
const MAX_ECR_PART = 20_971_520;
/** Maximum number of parts. @see Amazon ECR service quotas, "Maximum number of layer parts" */
const MAX_ECR_PARTS = 4_200;

/**
 * Checks the size of a chunk. A body without `Content-Range` is not limited: it is a whole blob, which the service
 * splits itself.
 */
function checkPart(session: UploadSession, settings: RegistrySettings, { headers, length }: IncomingRequest): void {
  if (headers['content-range'] === undefined) return;
  checkSizes(session.parts, settings); // The part that was the last one no longer is.
  if (!settings.ecr) return;
  if ((length ?? 0) > MAX_ECR_PART) {
    throw new RequestError(413, 'SIZE_INVALID', `a layer part must not be larger than ${MAX_ECR_PART} bytes`);
  }
  if (session.parts.length >= MAX_ECR_PARTS) {
    throw new RequestError(400, 'BLOB_UPLOAD_INVALID', `a layer must not have more than ${MAX_ECR_PARTS} parts`);
  }
}

function checkSizes(parts: readonly number[], { ecr, minChunkSize }: RegistrySettings): void {
  const minimum = ecr ? Math.max(MIN_ECR_PART, minChunkSize) : minChunkSize;
  if (parts.every((size) => size >= minimum)) return;
  // The message of ECR.
  const message = `All layer parts except the last part should be at least ${minimum} bytes`;
  throw new RequestError(400, 'BLOB_UPLOAD_INVALID', message);
}
