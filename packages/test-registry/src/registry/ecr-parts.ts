import { Refusal } from '../http/refusal.ts';
import type { UploadSession } from './upload-sessions.ts';

/** 5 MiB: the least that a part other than the last has. @see Amazon ECR service quotas, "Minimum layer part size" */
const MIN_PART_SIZE = 5 * 1024 * 1024;
/** The most that a part has. @see Amazon ECR API Reference, UploadLayerPart, `layerPartBlob` */
const MAX_PART_SIZE = 20_971_520;
/** The most parts that a layer has. @see Amazon ECR service quotas, "Maximum number of layer parts" */
const MAX_PARTS = 4_200;

/** Tells a client how small its parts may be. @see OCI distribution-spec v1.1, "Pushing a blob in chunks" */
export const PART_HEADERS = { 'oci-chunk-min-length': String(MIN_PART_SIZE) };

/** Whether another part may come. A body without `Content-Range` is no part: it is the whole, cut by the service itself. */
export function checkPart(session: UploadSession, isPart: boolean, length: number | undefined): void {
  if (!isPart) return;
  checkParts(session);
  if ((length ?? 0) > MAX_PART_SIZE) {
    throw new Refusal(413, 'SIZE_INVALID', `a layer part must not be larger than ${MAX_PART_SIZE} bytes`);
  }
  if (session.parts.length >= MAX_PARTS) {
    throw new Refusal(400, 'BLOB_UPLOAD_INVALID', `a layer must not have more than ${MAX_PARTS} parts`);
  }
}

/** Whether every part but the last is large enough. */
export function checkParts({ parts }: UploadSession): void {
  if (parts.slice(0, -1).some((size) => size < MIN_PART_SIZE)) {
    throw new Refusal(
      400,
      'BLOB_UPLOAD_INVALID',
      `layer parts must be at least ${MIN_PART_SIZE} bytes, but for the last`,
    );
  }
}
