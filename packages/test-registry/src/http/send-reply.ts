import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, RequestRecord } from './faults.ts';
import { breakOffset, closed, resetConnection, type Writable } from './incoming-request.ts';
import type { Pacer } from './pacer.ts';
import type { Reply } from './reply.ts';

/** Delay before a reset in milliseconds, so that sent bytes arrive: a reset discards what the client has not read. */
const ARRIVAL_TIME = 20;

/** Sends a response with its pacing and fault. Returns when it is sent or the client has disconnected. */
export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  record: Writable<RequestRecord>,
  fault: Fault | undefined,
  pacer: Pacer | undefined,
): Promise<void> {
  const size = reply.body?.length ?? 0;
  record.status = reply.status;
  const hasBody = reply.status !== 204 && reply.status !== 304;
  response.writeHead(reply.status, {
    ...reply.headers,
    ...(hasBody && reply.headers?.['content-length'] === undefined && { 'content-length': String(size) }),
  });
  if (record.method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  const breakAt = fault?.kind === 'truncate' ? fault.afterBytes : breakOffset(fault);
  if (breakAt !== undefined) response.flushHeaders();
  // A disconnected client is not an error here: the callback of the write reports it.
  response.on('error', () => {});
  pacer?.begin();
  for await (const chunk of bodyChunks(reply)) {
    const step = pacer?.step ?? chunk.length;
    for (let at = 0; at < chunk.length; ) {
      const left = breakAt === undefined ? chunk.length : breakAt - record.bytesOut;
      const end = Math.min(at + step, at + left, chunk.length);
      const piece = corrupt(chunk.subarray(at, end), record.bytesOut, size, fault);
      await pacer?.spend(piece.length);
      if (piece.length > 0 && !(await write(response, piece))) return;
      record.bytesOut += piece.length;
      at = end;
      if (record.bytesOut === breakAt && breakAt < size) {
        await breakOff(response, fault);
        return;
      }
    }
  }
  response.end();
}

/** Writes a chunk and waits until it is flushed. @returns whether the client is still connected */
function write(response: ServerResponse, chunk: Uint8Array): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onClose = () => resolve(false);
    response.once('close', onClose);
    response.write(chunk, (error) => {
      response.off('close', onClose);
      resolve(!error);
    });
  });
}

async function* bodyChunks({ body }: Reply): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === undefined) return;
  if (body instanceof Uint8Array) yield body;
  else yield* body.blob.chunks(body.offset, body.length);
}

function corrupt(piece: Uint8Array, offset: number, size: number, fault: Fault | undefined): Uint8Array {
  if (fault?.kind !== 'wrong-bytes') return piece;
  const at = Math.min(fault.atByte ?? 0, size - 1) - offset;
  if (at < 0 || at >= piece.length) return piece;
  const copy = new Uint8Array(piece);
  copy[at] = (copy[at] as number) ^ 0xff;
  return copy;
}

async function breakOff(response: ServerResponse, fault: Fault | undefined): Promise<void> {
  const socket = response.socket;
  if (socket === null) return;
  if (fault?.kind === 'reset') {
    await sleep(ARRIVAL_TIME);
    resetConnection(socket);
  } else if (fault?.kind === 'truncate') socket.destroySoon();
  else await closed(socket);
}
