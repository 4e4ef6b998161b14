import { request } from 'node:https';

/** What CloudFormation asks of a custom resource. @see AWS CloudFormation User Guide, "Custom resource request objects" */
export interface CloudFormationRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  /** Where the answer goes: an address that is signed, and good for an hour. */
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  /** What the resource was called by its first answer; absent when it is created. */
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

/** What there is to answer. */
export type CloudFormationResult =
  | { readonly Status: 'SUCCESS'; readonly Data: Readonly<Record<string, unknown>> }
  | { readonly Status: 'FAILED'; readonly Reason: string };

/** Bytes of an answer that CloudFormation takes, data and all; and characters of a reason, of which it shows no more. */
const MAX_ANSWER = 4096;
const MAX_REASON = 1000;
const REASON_STEP = 100;

const TRIES = 3;
const PAUSE = 1000;
const TIMEOUT = 5000;

/**
 * Answers CloudFormation, which otherwise waits for an hour: by PUT to its address, three times at the most.
 *
 * @param send - Sends a body to an address; as over HTTPS unless a test says otherwise.
 */
export async function answerCloudFormation(
  asked: CloudFormationRequest,
  physicalId: string,
  result: CloudFormationResult,
  send: (url: string, body: string) => Promise<void> = put,
): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = asked;
  const names = { PhysicalResourceId: physicalId, StackId, RequestId, LogicalResourceId };
  const body =
    result.Status === 'FAILED' ? writeFailure(result.Reason, names) : JSON.stringify({ ...result, ...names });
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(asked.ResponseURL, body);
    } catch (error) {
      if (attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE * attempt));
    }
  }
}

/** Characters may take several bytes each, and some are escaped. */
function writeFailure(reason: string, names: object): string {
  let body: string;
  let length = MAX_REASON;
  do {
    body = JSON.stringify({ Status: 'FAILED', Reason: reason.slice(0, length), ...names });
    length -= REASON_STEP;
  } while (Buffer.byteLength(body) > MAX_ANSWER && length > 0);
  return body;
}

function put(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      // The signature of the address is of an empty content type.
      { method: 'PUT', timeout: TIMEOUT, headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) } },
      (answer) => {
        answer.resume();
        const { statusCode = 0 } = answer;
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new Error(`CloudFormation's address answers ${statusCode}`));
      },
    );
    call.on('timeout', () => call.destroy(new Error(`CloudFormation's address does not answer within ${TIMEOUT} ms`)));
    call.on('error', reject);
    call.end(body);
  });
}
