import { RegistryError } from '../errors.ts';
import type { HttpMethod, HttpResponse } from './http-message.ts';
import { describeRequest } from './request-line.ts';

/**
 * Reads the whole body of an answer.
 *
 * @throws RegistryError `LIMIT_EXCEEDED` where it has more than `maxSize` bytes, or says so before any is read; what the body throws.
 */
export async function readWhole(response: HttpResponse, method: HttpMethod, maxSize: number): Promise<Uint8Array> {
  // The answer to HEAD tells the length of what it does not send.
  const claimed = method === 'HEAD' ? 0 : Number(response.headers['content-length'] ?? 0);
  if (claimed > maxSize) {
    response.discard();
    throw tooLarge(response, method, maxSize);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > maxSize) throw tooLarge(response, method, maxSize);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function tooLarge({ url, status }: HttpResponse, method: HttpMethod, maxSize: number): RegistryError {
  const request = describeRequest(method, url);
  return new RegistryError('LIMIT_EXCEEDED', `${request}: the answer has more than ${maxSize} bytes`, {
    request,
    status,
  });
}
