import {
  type Descriptor,
  digestOf,
  isDigest,
  isManifestOrIndex,
  isNonDistributable,
  OciError,
  parseDigest,
  walkContent,
} from '@soci/oci';
import { openLayout } from '@soci/oci/layout';
import { TokenStore } from './auth/access-policy.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { handleAwsRequest } from './aws/aws-requests.ts';
import { makeServerIdentity } from './certificate.ts';
import { TestRegistryError } from './errors.ts';
import { EventLog } from './events.ts';
import { FaultRules, type PortName, type RequestRecord } from './http/faults.ts';
import { type Handler, openPort, type Port, type PortContext } from './http/port.ts';
import { PutLimit, type Registry } from './registry/registry.ts';
import { handleRegistryRequest } from './registry/routes.ts';
import { handleStorageRequest, SignedUrls, storagePath } from './storage.ts';
import { BlobStore } from './store/blob-store.ts';
import { openFolderBlobs } from './store/folder-blobs.ts';
import { RegistryStore } from './store/registry-store.ts';
import { listReferences, type Repository } from './store/repository.ts';
import { checkOptions, type TestRegistry, type TestRegistryOptions } from './test-registry.ts';

/**
 * Starts a registry on loopback, with a port each for the OCI API, the blob storage and the ECR API. Call `stop` when
 * done.
 *
 * @throws TestRegistryError `OPTION_INVALID`; the system error if the port is in use
 */
export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  checkOptions(options);
  const { auth = 'none', ecr = false } = options;
  const requests: RequestRecord[] = [];
  const faults = new FaultRules();
  const events = new EventLog(options.account ?? '123456789012', options.region ?? 'us-east-1');
  const urls = new SignedUrls(options.urlLifetime ?? 3_600_000);
  const tokens = new TokenStore<true>(options.tokenLifetime ?? 43_200_000);
  const authenticator = createAuthenticator(auth, tokens, ecr);
  const identity = options.tls === true ? makeServerIdentity() : undefined;
  const blobs = options.folder === undefined ? new BlobStore() : openFolderBlobs(options.folder);
  const store = new RegistryStore(blobs, options.immutableTags ?? false);

  const context: PortContext = {
    latency: options.latency ?? 0,
    rate: options.rate,
    tls: typeof options.tls === 'object' ? options.tls : identity,
    clientAuthority: options.clientCertificate ? identity?.ca : undefined,
    onRequest: (record) => requests.push(record),
    takeFault: (record) => {
      const fault = faults.take(record);
      if (fault?.kind === 'expire-token') authenticator.expireTokens();
      if (fault?.kind === 'expire-urls') urls.expireAll();
      return fault;
    },
  };
  const ports: Port[] = [];
  const closePorts = () => Promise.all(ports.map((port) => port.close()));
  const open = async (name: PortName, number: number, handler: Handler, shared = context): Promise<string> => {
    try {
      const port = await openPort(name, number, shared, handler);
      ports.push(port);
      return port.origin;
    } catch (error) {
      await closePorts();
      throw error;
    }
  };

  const storageUrl = await open('storage', 0, (incoming) => handleStorageRequest(blobs, urls, incoming), {
    ...context,
    clientAuthority: undefined,
  });
  const signUrl = (digest: string) => `${storageUrl}${storagePath(digest)}?${urls.sign(storagePath(digest))}`;
  const registry: Registry = {
    store,
    uploads: new Map(),
    events,
    putLimit: options.putRate === undefined ? undefined : new PutLimit(options.putRate),
    settings: {
      ecr,
      referrers: options.referrers ?? true,
      autoCreate: options.autoCreate ?? !ecr,
      absoluteLocations: options.absoluteLocations ?? ecr,
      minChunkSize: options.minChunkSize ?? 0,
      singlePost: options.singlePost ?? false,
      pageSize: options.pageSize ?? 1000,
    },
    signUrl: options.redirects ? signUrl : undefined,
  };
  const url = await open('registry', options.port ?? 0, (incoming) =>
    handleRegistryRequest(registry, authenticator, incoming),
  );
  const aws = { registry, tokens, proxyEndpoint: url, signUrl };
  const plain = { ...context, tls: undefined, clientAuthority: undefined };
  const awsEndpoint = await open('aws', 0, (incoming) => handleAwsRequest(aws, incoming), plain);

  return {
    host: new URL(url).host,
    url,
    storageUrl,
    awsEndpoint,
    ...(identity && { ca: identity.ca }),
    ...(identity && options.clientCertificate && { clientIdentity: { cert: identity.cert, key: identity.key } }),
    get credentials() {
      return authenticator.credentials();
    },
    requests,
    events: events.events,
    clearRequests: () => void requests.splice(0),
    onEvent: (listener) => events.listen(listener),
    inject: (rule) => faults.inject(rule),
    expireTokens: () => authenticator.expireTokens(),
    expireUrls: () => urls.expireAll(),
    createRepository: (name) => void store.openRepository(name),
    putBlob: (repository, bytes) => store.addBlob(store.openRepository(repository), bytes.length, [bytes]),
    putManifest: (repository, reference, mediaType, bytes, pushedAt = new Date()) => {
      const target = store.openRepository(repository);
      const digest = isDigest(reference) ? reference : digestOf(bytes);
      target.addManifest({ digest, mediaType, bytes, pushedAt });
      if (digest !== reference) target.setTag(reference, digest);
      return digest;
    },
    manifest: (repository, reference) => store.repository(repository)?.manifest(reference),
    blob: async (repository, digest) => {
      const found = store.repository(repository);
      const blob = found && store.blob(found, digest);
      if (blob === undefined) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of blob.chunks(0, blob.size)) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    },
    archive: (repository, reference) => {
      const found = store.repository(repository);
      const digest = found?.manifest(reference)?.digest;
      if (found === undefined || digest === undefined) {
        throw new TestRegistryError('NOT_FOUND', `repository ${repository} has no image ${reference}`);
      }
      found.archive(digest);
    },
    denyAccess: (repository) => {
      store.openRepository(repository).isDenied = true;
    },
    tags: (repository) => store.repository(repository)?.tags() ?? [],
    loadLayout: (repository, folder, tag, reference) =>
      loadLayout(store, store.openRepository(repository), folder, tag, reference),
    checkGraph: (repository, reference) => checkGraph(store, repository, reference),
    stop: async () => {
      await closePorts();
      for (const { writer } of registry.uploads.values()) await writer.cancel();
    },
  };
}

/** Copies an image from an OCI image layout and verifies every digest. @returns its digest */
async function loadLayout(
  store: RegistryStore,
  into: Repository,
  folder: string,
  tag: string,
  reference?: string,
): Promise<string> {
  try {
    const layout = await openLayout(folder);
    const root = await layout.resolve(reference);
    for await (const { descriptor, raw } of walkContent(layout, root)) {
      const { digest, mediaType } = descriptor;
      if (raw !== undefined) into.addManifest({ digest, mediaType, bytes: raw, pushedAt: new Date() });
      else if (!isNonDistributable(mediaType) || (await layout.exists(descriptor))) {
        if (store.blobs.get(digest) !== undefined) into.addBlob(digest);
        else await store.addBlob(into, descriptor.size, layout.fetch(descriptor, { reuseChunks: true }), digest);
      }
    }
    into.setTag(tag, root.digest);
    return root.digest;
  } catch (cause) {
    if (!(cause instanceof OciError)) throw cause;
    const code = cause.code === 'NOT_FOUND' ? 'NOT_FOUND' : 'CONTENT_INVALID';
    throw new TestRegistryError(code, `cannot load ${folder}: ${cause.message}`, { cause });
  }
}

/** Checks an image and everything that it refers to. Returns a sentence for each missing or mismatching item. */
function checkGraph(store: RegistryStore, name: string, reference: string): readonly string[] {
  const repository = store.repository(name);
  const root = repository?.manifest(reference);
  if (repository === undefined || root === undefined) return [`${name} has no manifest ${reference}`];
  const problems: string[] = [];
  const seen = new Set<string>();

  const visit = ({ digest, size, mediaType }: Descriptor, from: string): void => {
    if (seen.has(digest)) return;
    seen.add(digest);
    const isManifest = isManifestOrIndex(mediaType);
    const manifest = isManifest ? repository.manifest(digest) : undefined;
    const actual = isManifest ? manifest?.bytes.length : store.blob(repository, digest)?.size;
    if (actual === undefined) {
      if (!isNonDistributable(mediaType)) problems.push(`${digest} (${mediaType}), referenced by ${from}, is missing`);
      return;
    }
    if (manifest !== undefined && manifest.mediaType !== mediaType) {
      problems.push(`${digest} is ${manifest.mediaType}, but ${from} says ${mediaType}`);
    }
    if (actual !== size) problems.push(`${digest} has ${actual} bytes, but ${from} says ${size}`);
    if (manifest === undefined) return;
    if (digestOf(manifest.bytes, parseDigest(digest).algorithm) !== digest) {
      problems.push(`the content of ${digest} has another digest`);
    }
    for (const entry of listReferences(manifest)) visit(entry, digest);
  };

  visit({ digest: root.digest, mediaType: root.mediaType, size: root.bytes.length }, reference);
  return problems;
}
