import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { build } from 'esbuild';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** Scripts for the browser by file name. */
type Scripts = ReadonlyMap<string, Uint8Array>;

/**
 * Bundles the script of the page and the worker for a browser, from the build of the package, as a user's bundler
 * would.
 * @throws If a module that browsers do not have is imported, such as a Node.js module.
 */
export async function bundleScripts(): Promise<Scripts> {
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    entryPoints: ['page.ts'],
    entryNames: '[name]',
    outdir: folder,
    metafile: true,
  });
  const left = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  if (left.length > 0) throw new Error(`the bundle still imports ${left.join(', ')}`);
  return new Map(outputFiles.map(({ path, contents }) => [path.slice(folder.length), contents]));
}

/**
 * Reports whether the same bundler settings reject the Node.js entry. Otherwise the check of the main entry proves
 * nothing.
 */
export async function rejectsNodeEntry(): Promise<boolean> {
  const contents = "import { fileSource } from '@soci/ztoc/node'; globalThis.fileSource = fileSource;";
  return build({ ...OPTIONS, stdin: { contents, resolveDir: folder } }).then(
    () => false,
    (error: Error) => error.message.includes('node:fs/promises'),
  );
}

const OPTIONS = {
  absWorkingDir: folder,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  write: false,
  logLevel: 'silent',
} as const;

const golden = new URL('../../../conformance/golden/', import.meta.url);

/** The content security policy that the package needs: scripts of its own origin, and WebAssembly. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

/** A running server. */
export interface PageServer {
  readonly url: string;
  readonly close: () => void;
}

/** Serves the page, its scripts and the golden layers: with ranges, inflated, damaged, and without ranges. */
export async function servePage(scripts: Scripts): Promise<PageServer> {
  const layerNames = new Set(readdirSync(new URL('layers/', golden)));
  const server = createServer((request, response) => {
    const [, kind = '', name = ''] = (request.url ?? '').split('/');
    const script = scripts.get(kind);
    response.setHeader('content-security-policy', POLICY);
    if (kind === '') send(response, 'text/html', '<!doctype html><script type="module" src="/page.js"></script>');
    else if (script) send(response, 'text/javascript', script);
    else if (kind === 'layers.json') send(response, 'application/json', readFileSync(new URL(kind, golden)));
    else if (layerNames.has(name)) sendLayer(kind, readFileSync(new URL(`layers/${name}`, golden)), request, response);
    else response.writeHead(404).end();
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function sendLayer(kind: string, layer: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const octets = 'application/octet-stream';
  if (kind === 'layers') sendRange(layer, request, response);
  else if (kind === 'damaged') sendRange(damage(layer), request, response);
  else if (kind === 'inflated') send(response, octets, layer.readUint16BE() === 0x1f8b ? gunzipSync(layer) : layer);
  else if (kind === 'whole') send(response, octets, layer);
  else response.writeHead(404).end();
}

/** Flips one bit in the middle of a layer. */
function damage(layer: Buffer): Buffer {
  const middle = layer.length >> 1;
  layer.writeUInt8(layer.readUInt8(middle) ^ 1, middle);
  return layer;
}

function sendRange(bytes: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) {
    send(response, 'application/octet-stream', bytes);
    return;
  }
  const end = Math.min(Number(last) + 1, bytes.length);
  const status = Number(first) < end ? 206 : 416;
  const range = status === 206 ? `${first}-${end - 1}` : '*';
  response.writeHead(status, { 'content-range': `bytes ${range}/${bytes.length}` });
  response.end(bytes.subarray(Number(first), end));
}

function send(response: ServerResponse, type: string, body: string | Uint8Array): void {
  response.writeHead(200, { 'content-type': type }).end(body);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
