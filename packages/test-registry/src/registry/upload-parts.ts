import type { Incoming } from '../http/incoming.ts';
import { Refusal } from '../http/refusal.ts';
import type { RegistrySettings } from './registry-settings.ts';
import type { UploadSession } from './upload-sessions.ts';

/** 5 MiB: the least that a part other than the last has. @see Amazon ECR service quotas, "Minimum layer part size" */
const MIN_ECR_PART = 5 * 1024 * 1024;
/** The most that a part has. @see Amazon ECR API Reference, UploadLayerPart, `layerPartBlob` */
const MAX_ECR_PART = 20_971_520;
/** The most parts that a layer has. @see Amazon ECR service quotas, "Maximum number of layer parts" */
const MAX_ECR_PARTS = 4_200;

/**
 * Whether another part may come. A body without `Content-Range` is not held to the size of a part: it is the whole, which
 * a service cuts as it likes.
 *
 * @throws Refusal
 */
export function checkPart(session: UploadSession, settings: RegistrySettings, { headers, length }: Incoming): void {
  if (headers['content-range'] === undefined) return;
  const least = minimumOf(settings);
  // The part that is now the last one will not be.
  if (session.parts.some((size) => size < least)) throw tooSmall(least);
  if (!settings.ecr) return;
  if ((length ?? 0) > MAX_ECR_PART) {
    throw new Refusal(413, 'SIZE_INVALID', `a layer part must not be larger than ${MAX_ECR_PART} bytes`);
  }
  if (session.parts.length >= MAX_ECR_PARTS) {
    throw new Refusal(400, 'BLOB_UPLOAD_INVALID', `a layer must not have more than ${MAX_ECR_PARTS} parts`);
  }
}

/** Whether every part but the last is large enough. @throws Refusal */
export function checkParts({ parts }: UploadSession, settings: RegistrySettings): void {
  const least = minimumOf(settings);
  if (parts.slice(0, -1).some((size) => size < least)) throw tooSmall(least);
}

function minimumOf({ ecr, minChunkSize }: RegistrySettings): number {
  return ecr ? Math.max(MIN_ECR_PART, minChunkSize) : minChunkSize;
}

/** In ECR's words. */
function tooSmall(least: number): Refusal {
  const words = `All layer parts except the last part should be at least ${least} bytes`;
  return new Refusal(400, 'BLOB_UPLOAD_INVALID', words);
}
