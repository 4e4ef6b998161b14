import { digestOf, isDigest } from '@soci/oci';
import { makeDoor } from './auth/door.ts';
import { TokenBook } from './auth/token-book.ts';
import { handleAwsRequest } from './aws/aws-requests.ts';
import { checkGraph } from './check-graph.ts';
import { EventLog } from './events.ts';
import { FaultRules } from './faults/fault-rules.ts';
import { openPort, type PortContext } from './http/port.ts';
import { Refusal, replyRefusal } from './http/refusal.ts';
import type { Reply } from './http/reply.ts';
import type { RequestRecord } from './http/request-record.ts';
import { loadLayout } from './load-layout.ts';
import type { TestRegistryOptions } from './options.ts';
import type { Registry } from './registry/registry.ts';
import { handleRegistryRequest } from './registry/routes.ts';
import { Uploads } from './registry/upload-sessions.ts';
import { SignedUrls } from './storage/signed-urls.ts';
import { handleStorageRequest, storagePath } from './storage/storage-requests.ts';
import { FolderBlobs } from './store/folder-blobs.ts';
import { MemoryBlobs } from './store/memory-blobs.ts';
import { RegistryStore } from './store/registry-store.ts';
import { readBlob } from './store/stored-blob.ts';
import type { TestRegistry } from './test-registry.ts';
import { makeServerIdentity } from './tls/certificate.ts';

/** Starts a registry on loopback. Stop it when you are done. */
export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const { account = '123456789012', region = 'us-east-1', auth = 'none', ecr = false } = options;
  const requests: RequestRecord[] = [];
  const faults = new FaultRules();
  const events = new EventLog(account, region);
  const urls = new SignedUrls(options.urlLifetime ?? 3_600_000);
  const tokens = new TokenBook<true>(options.tokenLifetime ?? 43_200_000);
  const door = makeDoor(auth, tokens, tokens.lifetime, ecr);
  const identity = options.tls === true ? makeServerIdentity() : undefined;
  const store = new RegistryStore(
    options.folder === undefined ? new MemoryBlobs() : new FolderBlobs(options.folder),
    options.immutableTags ?? false,
  );
  const uploads = new Uploads(store.blobs);

  const context: PortContext = {
    latency: options.latency ?? 0,
    rate: options.rate,
    tls: typeof options.tls === 'object' ? options.tls : identity,
    onRequest: (record) => requests.push(record),
    takeFault: (record) => {
      const fault = faults.take(record);
      if (fault?.kind === 'expire-token') door.expireTokens();
      if (fault?.kind === 'expire-urls') urls.expireAll();
      return fault;
    },
  };
  const storage = await openPort('storage', 0, context, (incoming) =>
    handleStorageRequest(store.blobs, urls, incoming),
  );
  const signUrl = (digest: string) => `${storage.origin}${storagePath(digest)}?${urls.sign(storagePath(digest))}`;
  const registry: Registry = {
    store,
    uploads,
    events,
    settings: {
      referrers: options.referrers ?? true,
      ecr,
      autoCreate: options.autoCreate ?? !ecr,
      absoluteLocations: options.absoluteLocations ?? ecr,
      minChunkSize: options.minChunkSize ?? 0,
      singlePost: options.singlePost ?? false,
      pageSize: options.pageSize ?? 1000,
    },
    signUrl: options.redirects ? signUrl : undefined,
  };
  const api = await openPort('registry', options.port ?? 0, context, (incoming) =>
    answering(() => door.handle(incoming) ?? handleRegistryRequest(registry, door.gate, incoming)),
  );
  const awsRegistry = { registry, tokens, proxyEndpoint: api.origin, signUrl };
  const aws = await openPort('aws', 0, { ...context, tls: undefined }, (incoming) =>
    handleAwsRequest(awsRegistry, incoming),
  );

  return {
    host: new URL(api.origin).host,
    url: api.origin,
    storageUrl: storage.origin,
    awsEndpoint: aws.origin,
    ...(identity && { ca: identity.ca }),
    get credentials() {
      return door.credentials();
    },
    requests,
    events: events.events,
    clearRequests: () => {
      requests.length = 0;
    },
    onEvent: (listener) => events.listen(listener),
    inject: (rule) => faults.inject(rule),
    expireTokens: () => door.expireTokens(),
    expireUrls: () => urls.expireAll(),
    createRepository: (name) => {
      store.openRepository(name);
    },
    putBlob: (repository, bytes) => store.addBlob(store.openRepository(repository), bytes),
    putManifest: (repository, reference, mediaType, bytes) => {
      const target = store.openRepository(repository);
      const digest = isDigest(reference) ? reference : digestOf(bytes);
      target.addManifest({ digest, mediaType, bytes, pushedAt: new Date() });
      if (digest !== reference) target.setTag(reference, digest);
      return digest;
    },
    manifest: (repository, reference) => store.repository(repository)?.manifest(reference),
    blob: async (repository, digest) => {
      const found = store.repository(repository);
      const blob = found && store.blob(found, digest);
      return blob && readBlob(blob);
    },
    tags: (repository) => store.repository(repository)?.tags() ?? [],
    loadLayout: (repository, folder, tag, reference) =>
      loadLayout(store, store.openRepository(repository), {
        folder,
        tag,
        ...(reference !== undefined && { reference }),
      }),
    checkGraph: (repository, reference) => checkGraph(store, repository, reference),
    stop: async () => {
      await Promise.all([api.close(), storage.close(), aws.close()]);
      await uploads.cancelAll();
    },
  };
}

async function answering(handle: () => Promise<Reply>): Promise<Reply> {
  try {
    return await handle();
  } catch (error) {
    if (error instanceof Refusal) return replyRefusal(error);
    throw error;
  }
}
