import { request as httpsRequest } from 'node:https';

/** Request of CloudFormation for a custom resource. @see AWS CloudFormation User Guide, "Custom resource request objects" */
export interface CloudFormationRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  /** Presigned URL for the response, valid for an hour. */
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  /** Physical id from the first response. Absent in Create requests. */
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

/** Result of a request. */
export type CloudFormationResult =
  | { readonly Status: 'SUCCESS'; readonly Data: Readonly<Record<string, unknown>> }
  | { readonly Status: 'FAILED'; readonly Reason: string };

/** Maximum size of a response in bytes, and maximum number of characters of a reason that CloudFormation shows. */
const MAX_RESPONSE = 4096;
const MAX_REASON = 1000;
const REASON_STEP = 100;

const MAX_ATTEMPTS = 3;
/** Milliseconds. */
const RETRY_DELAY = 1000;
/** Milliseconds. */
const TIMEOUT = 5000;

/**
 * Sends a response to CloudFormation with at most three attempts. Without a response, CloudFormation would wait for an hour.
 *
 * @param send - Sends a body to a URL. Tests replace it.
 */
export async function sendResponse(
  request: CloudFormationRequest,
  physicalId: string,
  result: CloudFormationResult,
  send: (url: string, body: string) => Promise<void> = put,
): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = request;
  const names = { PhysicalResourceId: physicalId, StackId, RequestId, LogicalResourceId };
  const body =
    result.Status === 'FAILED' ? writeFailure(result.Reason, names) : JSON.stringify({ ...result, ...names });
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(request.ResponseURL, body);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY * attempt));
    }
  }
}

/** Shortens the reason until the response fits. Characters can have several bytes, and some are escaped. */
function writeFailure(reason: string, names: object): string {
  let body: string;
  let length = MAX_REASON;
  do {
    body = JSON.stringify({ Status: 'FAILED', Reason: reason.slice(0, length), ...names });
    length -= REASON_STEP;
  } while (Buffer.byteLength(body) > MAX_RESPONSE && length > 0);
  return body;
}

function put(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = httpsRequest(
      url,
      // The URL is signed for an empty content type.
      { method: 'PUT', timeout: TIMEOUT, headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) } },
      (response) => {
        response.resume();
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new Error(`the response URL of CloudFormation returned status ${statusCode}`));
      },
    );
    call.on('timeout', () =>
      call.destroy(new Error(`the response URL of CloudFormation did not respond within ${TIMEOUT} ms`)),
    );
    call.on('error', reject);
    call.end(body);
  });
}
