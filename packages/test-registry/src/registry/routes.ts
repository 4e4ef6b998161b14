import type { Access, AccessPolicy, RepositoryAccess } from '../auth/access-policy.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { IncomingRequest } from '../http/incoming-request.ts';
import { type Reply, RequestError, replyError } from '../http/reply.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import { listReferrers, listRepositories, listTags } from './lists.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import type { Call, Registry } from './registry.ts';
import { appendUpload, cancelUpload, finishUpload, getUpload, startUpload } from './uploads.ts';

type Action = RepositoryAccess['actions'][number];
type Operation = readonly [actions: readonly Action[], handle: (call: Call) => Promise<Reply>];

interface Route {
  /** The path after the repository name. Its group is the reference. */
  readonly path: RegExp;
  readonly methods: Readonly<Record<string, Operation>>;
}

const PULL: readonly Action[] = ['pull'];
const PUSH: readonly Action[] = ['pull', 'push'];
const DELETE: readonly Action[] = ['delete'];

/** The endpoints of the specification. @see OCI distribution-spec v1.1, "Endpoints" */
const ROUTES: readonly Route[] = [
  { path: /^\/blobs\/uploads\/?$/, methods: { POST: [PUSH, startUpload] } },
  {
    path: /^\/blobs\/uploads\/([^/]+)$/,
    methods: {
      GET: [PUSH, getUpload],
      PATCH: [PUSH, appendUpload],
      PUT: [PUSH, finishUpload],
      DELETE: [PUSH, cancelUpload],
    },
  },
  {
    path: /^\/blobs\/([^/]+)$/,
    methods: { GET: [PULL, getBlob], HEAD: [PULL, getBlob], DELETE: [DELETE, deleteBlob] },
  },
  {
    path: /^\/manifests\/([^/]+)$/,
    methods: {
      GET: [PULL, getManifest],
      HEAD: [PULL, getManifest],
      PUT: [PUSH, putManifest],
      DELETE: [DELETE, deleteManifest],
    },
  },
  { path: /^\/tags\/list$/, methods: { GET: [PULL, listTags] } },
  { path: /^\/referrers\/([^/]+)$/, methods: { GET: [PULL, listReferrers] } },
];

/** Path of the list of repositories. @see distribution, docs/spec/api.md, "Catalog" */
const CATALOG = '/v2/_catalog';

/** @see github.com/distribution/reference v0.6.0, `RepositoryNameTotalLengthMax` */
const MAX_REPOSITORY_LENGTH = 255;

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME_PATTERN = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const PATH_PATTERN =
  /^\/v2\/(.+)(\/(?:blobs\/uploads\/?|blobs\/uploads\/[^/]+|blobs\/[^/]+|manifests\/[^/]+|tags\/list|referrers\/[^/]+))$/;

/** Handles a request to the OCI API or the token service. */
export async function handleRegistryRequest(
  registry: Registry,
  authenticator: Authenticator,
  incoming: IncomingRequest,
): Promise<Reply> {
  try {
    return await (authenticator.handle(incoming) ?? route(registry, authenticator.policy, incoming));
  } catch (error) {
    if (error instanceof RequestError) return replyError(error);
    throw error;
  }
}

async function route(registry: Registry, policy: AccessPolicy, incoming: IncomingRequest): Promise<Reply> {
  const path = decodePath(incoming.path);
  if (path === '/v2' || path === '/v2/') return replyVersion(policy, incoming);
  if (path === CATALOG && incoming.method === 'GET') {
    checkAccess(policy, incoming, [{ type: 'registry', name: 'catalog', actions: ['*'] }]);
    return listRepositories(registry, incoming);
  }
  const match = PATH_PATTERN.exec(path);
  if (match === null) {
    checkAccess(policy, incoming, []);
    throw new RequestError(404, 'NAME_UNKNOWN', `${path} is not an endpoint of the OCI distribution API`);
  }
  const [, name = '', rest = ''] = match;
  const { path: pattern, methods } = ROUTES.find((candidate) => candidate.path.test(rest)) as Route;
  const [actions, handle] = methods[incoming.method] ?? [PULL];
  checkAccess(policy, incoming, [{ type: 'repository', name, actions }]);
  if (handle === undefined) {
    const allow = Object.keys(methods).join(', ');
    throw new RequestError(405, 'UNSUPPORTED', `${incoming.method} is not supported for ${path}`, { allow });
  }
  if (!NAME_PATTERN.test(name) || name.length > MAX_REPOSITORY_LENGTH) {
    throw new RequestError(400, 'NAME_INVALID', `${JSON.stringify(name)} is not a repository name`);
  }
  return handle({ registry, incoming, policy, name, reference: pattern.exec(rest)?.[1] ?? '' });
}

function replyVersion(policy: AccessPolicy, incoming: IncomingRequest): Reply {
  checkAccess(policy, incoming, []);
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD') {
    throw new RequestError(405, 'UNSUPPORTED', `${incoming.method} is not supported for /v2/`, { allow: 'GET, HEAD' });
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'docker-distribution-api-version': 'registry/2.0' },
    body: Buffer.from('{}'),
  };
}

function checkAccess(policy: AccessPolicy, incoming: IncomingRequest, access: readonly Access[]): void {
  const error = policy(incoming, access);
  if (error !== undefined) throw error;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RequestError(400, 'NAME_INVALID', 'the path contains an invalid escape sequence');
  }
}
