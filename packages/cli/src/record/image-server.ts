import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type ByteRange,
  type Descriptor,
  type Fetcher,
  isManifestOrIndex,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  type RangeFetcher,
  walkContent,
} from '@soci/oci';
import { CliError } from '../errors.ts';
import { hostText, type ListenAddress } from './listen-address.ts';

/** Maximum number of open connections. A snapshotter fetches the spans of each read at the same time. */
const MAX_CONNECTIONS = 512;
/** Maximum size of the headers of a request, in bytes. */
const MAX_HEADER_SIZE = 16 << 10;
/** Maximum time for the headers of a request, and for its body, in milliseconds. */
const REQUEST_TIMEOUT = 30_000;
/** Size of the pieces in which content is read and sent, in bytes. */
const PIECE_SIZE = 1 << 20;

/** An image to serve. */
export interface ServedContent {
  readonly store: Fetcher & RangeFetcher;
  readonly root: Descriptor;
  /** Name of the repository. */
  readonly repository: string;
  readonly tag: string;
}

/** A GET of content of the image. */
export interface ContentRequest {
  readonly content: Descriptor;
  /** The header `User-Agent`. @default empty */
  readonly client?: string | undefined;
  /** Range of bytes. @default the whole content */
  readonly range?: ByteRange;
}

/** A running server. */
export interface ImageServer {
  /** `HOST:PORT`, as in the name of the image. */
  readonly host: string;
  close(): Promise<void>;
}

/**
 * Serves one image over HTTP: the part of the OCI distribution specification that runtimes and copy tools need to pull. It
 * is read-only. All paths that do not name content of the image answer 404, all methods other than GET and HEAD 405, and
 * all requests whose `Host` is a name other than `localhost` 403, so that no web page can read the image through a name of
 * its own that leads here.
 *
 * @param onRequest - Called for each GET of a manifest or blob.
 * @throws CliError `ADDRESS_UNAVAILABLE` if the address or port cannot be used.
 * @see OCI distribution-spec v1.1, "Pull"
 */
export async function serveImage(
  content: ServedContent,
  address: ListenAddress,
  onRequest: (request: ContentRequest) => void,
): Promise<ImageServer> {
  const blobs = new Map<string, Descriptor>();
  for await (const { descriptor } of walkContent(content.store, content.root)) blobs.set(descriptor.digest, descriptor);
  const handler = new RequestHandler(content, blobs, onRequest);
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_SIZE,
      headersTimeout: REQUEST_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      noDelay: true,
    },
    (request, response) => {
      // The client has closed the connection, or the layer cannot be read: the client sees a response that is cut off.
      handler.answer(request, response).catch(() => response.destroy());
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, address);
  return {
    host: hostText({ ...address, port: (server.address() as AddressInfo).port }),
    close: () => close(server),
  };
}

/** Checks that a server can use an address. @throws CliError `ADDRESS_UNAVAILABLE` */
export async function checkAddress(address: ListenAddress): Promise<void> {
  const server = createServer();
  await listen(server, address);
  await close(server);
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(toAddressError(address, cause)));
    server.listen({ host: address.host, port: address.port }, resolve);
  });
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}

class RequestHandler {
  readonly #content: ServedContent;
  readonly #blobs: ReadonlyMap<string, Descriptor>;
  readonly #onRequest: (request: ContentRequest) => void;

  constructor(
    content: ServedContent,
    blobs: ReadonlyMap<string, Descriptor>,
    onRequest: (request: ContentRequest) => void,
  ) {
    this.#content = content;
    this.#blobs = blobs;
    this.#onRequest = onRequest;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Docker-Distribution-API-Version', 'registry/2.0');
    if (!isLocalName(request.headers.host)) return refuse(response, 403, 'DENIED');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'UNSUPPORTED');
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (path === '/v2/' || path === '/v2') return sendJson(response, 200, 'application/json', {});
    const prefix = `/v2/${this.#content.repository}/`;
    const [kind = '', reference = '', ...rest] = path.startsWith(prefix) ? path.slice(prefix.length).split('/') : [];
    if (rest.length === 0 && kind === 'referrers') {
      return sendJson(response, 200, MEDIA_TYPE_OCI_IMAGE_INDEX, {
        schemaVersion: 2,
        mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX,
        manifests: [],
      });
    }
    const found = rest.length === 0 ? this.#find(kind, decodeReference(reference)) : undefined;
    if (found === undefined) return refuse(response, 404, kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN');
    await this.#send(found, request, response);
  }

  #find(kind: string, reference: string): Descriptor | undefined {
    const { root, tag } = this.#content;
    if (kind === 'manifests' && reference === tag) return root;
    const found = this.#blobs.get(reference);
    if (kind === 'blobs') return found;
    return kind === 'manifests' && found !== undefined && isManifestOrIndex(found.mediaType) ? found : undefined;
  }

  async #send(found: Descriptor, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { digest, size, mediaType } = found;
    const isManifest = isManifestOrIndex(mediaType);
    response.setHeader('Content-Type', isManifest ? mediaType : 'application/octet-stream');
    response.setHeader('Docker-Content-Digest', digest);
    response.setHeader('Accept-Ranges', 'bytes');
    const range = isManifest ? undefined : parseRange(request.headers.range, size);
    if (range === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${size}`);
      return refuse(response, 416, 'RANGE_INVALID');
    }
    const { offset, length } = range ?? { offset: 0, length: size };
    response.setHeader('Content-Length', length);
    if (range !== undefined) response.setHeader('Content-Range', `bytes ${offset}-${offset + length - 1}/${size}`);
    response.statusCode = range === undefined ? 200 : 206;
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    this.#onRequest({
      content: found,
      client: request.headers['user-agent'],
      ...(range !== undefined && { range }),
    });
    await pipeline(Readable.from(this.#read(found, { offset, length })), response);
  }

  async *#read(blob: Descriptor, { offset, length }: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    const end = offset + length;
    for (let at = offset; at < end; at += PIECE_SIZE)
      yield await this.#content.store.fetchRange(blob, { offset: at, length: Math.min(PIECE_SIZE, end - at) });
  }
}

/**
 * Parses the header `Range`. A range that is malformed, in another unit, or one of several is ignored, as RFC 9110 allows:
 * the answer is then the whole content.
 *
 * @see RFC 9110, section 14.2
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length };
  }
  const offset = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < offset) return undefined;
  return offset >= size ? 'unsatisfiable' : { offset, length: end - offset };
}

/** Reports whether the header `Host` is an address or `localhost`. */
function isLocalName(host = ''): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return isIP(name) !== 0 || name.toLowerCase() === 'localhost';
}

function decodeReference(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return '';
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  sendJson(response, status, 'application/json', { errors: [{ code, message: code.toLowerCase().replace('_', ' ') }] });
}

function sendJson(response: ServerResponse, status: number, mediaType: string, value: object): void {
  const body = Buffer.from(JSON.stringify(value));
  // The server writes no body for HEAD.
  response.writeHead(status, { 'Content-Type': mediaType, 'Content-Length': body.length }).end(body);
}

function toAddressError(address: ListenAddress, cause: NodeJS.ErrnoException): CliError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is in use',
    EADDRNOTAVAIL: 'this machine does not have the address',
    EACCES: 'permission denied',
  };
  const reason = reasons[cause.code ?? ''] ?? cause.message;
  return new CliError('ADDRESS_UNAVAILABLE', `cannot listen on ${hostText(address)}: ${reason}`, {
    cause,
    remedy: 'Choose another address with --listen, or omit the option to use a free port.',
  });
}
