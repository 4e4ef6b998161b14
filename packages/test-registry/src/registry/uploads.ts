import { randomBytes, randomUUID } from 'node:crypto';
import { parseDigest } from '@soci/oci';
import type { Incoming } from '../http/incoming.ts';
import { Refusal, type Reply, type ReplyHeaders } from '../http/reply.ts';
import { checkDigest } from './blobs.ts';
import { type Call, locate, type RegistrySettings, type UploadSession, writableRepository } from './registry.ts';

/** `POST`: begins an upload; mounts a blob, or takes it whole, where the query says so. @see OCI distribution-spec v1.1, "Pushing blobs" */
export async function startUpload(call: Call): Promise<Reply> {
  const { registry, incoming } = call;
  const mounted = tryMount(call);
  if (mounted !== undefined) return replyCreated(call, mounted);
  const digest = incoming.query.get('digest');
  if (digest !== null) checkDigest(digest);
  else if (incoming.length !== 0) {
    const words = 'a POST without a digest has no body: the blob follows by PATCH or PUT';
    throw new Refusal(400, 'BLOB_UPLOAD_INVALID', words);
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

/** `GET`: how far an upload is. */
export async function getUpload(call: Call): Promise<Reply> {
  return { status: 204, headers: sessionHeaders(call, findSession(call)) };
}

/** `PATCH`: takes a part, in order. @see OCI distribution-spec v1.1, "Pushing a blob in chunks" */
export async function appendUpload(call: Call): Promise<Reply> {
  const { registry, incoming } = call;
  const session = findSession(call);
  await writing(session, async () => {
    checkContentRange(call, session);
    checkPart(session, registry.settings, incoming);
    await receive(session, incoming);
  });
  if (!registry.settings.ecr) return { status: 202, headers: sessionHeaders(call, session) };
  // ECR's own way: 201, and a range that stays at the first part's end. @see aws/containers-roadmap, issue 2831
  const range = `0-${Math.max(0, (session.parts[0] ?? 0) - 1)}`;
  return { status: 201, headers: { ...sessionHeaders(call, session), range } };
}

/** `PUT`: takes the last part, if any, and ends the upload. */
export async function finishUpload(call: Call): Promise<Reply> {
  const { registry, incoming } = call;
  const session = findSession(call);
  const digest = incoming.query.get('digest');
  if (digest === null) throw new Refusal(400, 'DIGEST_INVALID', 'the digest is missing from the query');
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
  const session = { id, name, state, draft: await registry.store.blobs.begin(), parts: [], isBusy: false };
  registry.uploads.set(id, session);
  return session;
}

async function cancel({ registry }: Call, { id, draft }: UploadSession): Promise<void> {
  registry.uploads.delete(id);
  await draft.discard();
}

/**
 * Mounts a blob of another repository where the query asks for it and it may be pulled from there; in ECR only what a
 * manifest there refers to (aws/containers-roadmap, issue 2860). Returns its digest, or undefined if an upload is to begin.
 */
function tryMount(call: Call): string | undefined {
  const { registry, policy, incoming } = call;
  const repository = writableRepository(call);
  const mount = incoming.query.get('mount');
  if (mount === null) return undefined;
  const digest = checkDigest(mount);
  const from = registry.store.repository(incoming.query.get('from') ?? '');
  if (!from?.hasBlob(digest) || (registry.settings.ecr && !from.refersTo(digest))) return undefined;
  if (policy(incoming, [{ repository: from.name, actions: ['pull'] }]) !== undefined) return undefined;
  repository.addBlob(digest);
  return digest;
}

async function finish(call: Call, session: UploadSession, digest: string): Promise<Reply> {
  const { registry } = call;
  checkSizes(session.parts.slice(0, -1), registry.settings);
  const actual = await session.draft.digest(parseDigest(digest).algorithm);
  if (actual !== digest) {
    await cancel(call, session);
    throw new Refusal(400, 'DIGEST_INVALID', `the content has the digest ${actual}, not ${digest}`);
  }
  registry.uploads.delete(session.id);
  await registry.store.blobs.keep(session.draft, digest);
  writableRepository(call).addBlob(digest);
  return replyCreated(call, digest);
}

async function receive(session: UploadSession, incoming: Incoming): Promise<void> {
  const type = incoming.headers['content-type'];
  if (incoming.length !== 0 && type !== undefined && type !== 'application/octet-stream') {
    const words = `the Content-Type of a blob is application/octet-stream, not ${type}`;
    throw new Refusal(400, 'BLOB_UPLOAD_INVALID', words);
  }
  session.draft.expect(incoming.length ?? 0);
  const before = session.draft.size;
  try {
    for await (const chunk of incoming.body()) await session.draft.append(chunk);
  } finally {
    // What came before a connection broke is kept: a client asks how far the upload is.
    if (session.draft.size > before) session.parts.push(session.draft.size - before);
  }
}

function findSession({ registry, incoming, name, reference }: Call): UploadSession {
  const session = registry.uploads.get(reference);
  if (session?.name === name && session.state === incoming.query.get('_state')) return session;
  throw new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', `blob upload unknown to registry: ${reference} with that state`);
}

/** One request writes at a time. */
async function writing<T>(session: UploadSession, write: () => Promise<T>): Promise<T> {
  if (session.isBusy) throw new Refusal(409, 'BLOB_UPLOAD_INVALID', 'another request is writing to this upload');
  session.isBusy = true;
  try {
    return await write();
  } finally {
    session.isBusy = false;
  }
}

/** A part says where it stands, and how long it is, and stands at the end of what came before. */
function checkContentRange(call: Call, session: UploadSession): void {
  const { headers, length } = call.incoming;
  const range = headers['content-range'];
  if (range === undefined) return;
  const match = /^(\d+)-(\d+)$/.exec(range);
  if (match === null) {
    throw new Refusal(400, 'BLOB_UPLOAD_INVALID', `Content-Range of an upload is <start>-<end>, not ${range}`);
  }
  const [start, end] = [Number(match[1]), Number(match[2])];
  if (start !== session.draft.size) {
    const words = `the part begins at ${start}, the upload stands at ${session.draft.size}`;
    throw new Refusal(416, 'BLOB_UPLOAD_INVALID', words, sessionHeaders(call, session));
  }
  if (length !== end - start + 1) {
    const words = length === undefined ? 'comes without a Content-Length' : `has ${length} bytes`;
    throw new Refusal(400, 'SIZE_INVALID', `the part ${words}, its Content-Range says ${range}`);
  }
}

function sessionHeaders(call: Call, { id, state, draft }: UploadSession): ReplyHeaders {
  return {
    location: locate(call, `blobs/uploads/${id}?_state=${state}`),
    range: `0-${Math.max(0, draft.size - 1)}`,
    'docker-upload-uuid': id,
  };
}

function replyCreated(call: Call, digest: string): Reply {
  return { status: 201, headers: { location: locate(call, `blobs/${digest}`), 'docker-content-digest': digest } };
}

/** 5 MiB: the least that a part other than the last has. @see Amazon ECR service quotas, "Minimum layer part size" */
const MIN_ECR_PART = 5 * 1024 * 1024;
/** The most that a part has. @see Amazon ECR API Reference, UploadLayerPart, `layerPartBlob` */
const MAX_ECR_PART = 20_971_520;
/** The most parts that a layer has. @see Amazon ECR service quotas, "Maximum number of layer parts" */
const MAX_ECR_PARTS = 4_200;

/** A body without `Content-Range` is not held to the size of a part: it is the whole, which a service cuts as it likes. */
function checkPart(session: UploadSession, settings: RegistrySettings, { headers, length }: Incoming): void {
  if (headers['content-range'] === undefined) return;
  checkSizes(session.parts, settings); // The part that is now the last one will not be.
  if (!settings.ecr) return;
  if ((length ?? 0) > MAX_ECR_PART) {
    throw new Refusal(413, 'SIZE_INVALID', `a layer part must not be larger than ${MAX_ECR_PART} bytes`);
  }
  if (session.parts.length >= MAX_ECR_PARTS) {
    throw new Refusal(400, 'BLOB_UPLOAD_INVALID', `a layer must not have more than ${MAX_ECR_PARTS} parts`);
  }
}

function checkSizes(parts: readonly number[], { ecr, minChunkSize }: RegistrySettings): void {
  const least = ecr ? Math.max(MIN_ECR_PART, minChunkSize) : minChunkSize;
  if (parts.every((size) => size >= least)) return;
  // In ECR's words.
  const words = `All layer parts except the last part should be at least ${least} bytes`;
  throw new Refusal(400, 'BLOB_UPLOAD_INVALID', words);
}
