import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** A file server that plays the role of S3 behind ECR. */
interface StorageServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the files in `folder` with GET and HEAD. Rejects requests with credentials, as S3 does. */
export async function startStorageServer(folder: string): Promise<StorageServer> {
  const server = createServer((request, response) => {
    answer(folder, request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refuse = (status: number): void => void response.writeHead(status).end();
  if (request.headers.authorization !== undefined) return refuse(400);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405);
  const file = join(folder, normalize(new URL(request.url ?? '/', 'http://storage').pathname));
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) return refuse(404);
  const range = readRange(request.headers.range, size);
  if (range === 'unsatisfiable') return refuse(416);
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-length': end - start + 1,
    'content-type': 'application/octet-stream',
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD' || end < start) return void response.end();
  return pipeline(createReadStream(file, { start, end }), response);
}

/** Parses the byte range of a header. Returns undefined if the whole file is requested. */
function readRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === undefined) return undefined;
  const start = Number(from);
  const end = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return start < size && start <= end ? { start, end } : 'unsatisfiable';
}
