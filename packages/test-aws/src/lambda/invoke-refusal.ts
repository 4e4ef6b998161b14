import type { ServerResponse } from 'node:http';
import { TestAwsError } from '../errors.ts';
import { sendJson } from '../http/send-json.ts';

/** The exceptions of the Invoke API that are known here, each with its status. */
const STATUSES = {
  InvalidParameterValueException: 400,
  InvalidRequestContentException: 400,
  MissingAuthenticationTokenException: 403,
  RequestTooLargeException: 413,
  ResourceNotFoundException: 404,
  ServiceException: 500,
  TooManyRequestsException: 429,
  UnknownOperationException: 404,
} as const;

/** Refuses a call of the Invoke API. */
export class InvokeRefusal extends Error {
  override readonly name = 'InvokeRefusal';
  readonly type: keyof typeof STATUSES;

  constructor(type: keyof typeof STATUSES, message: string) {
    super(message);
    this.type = type;
  }
}

/** Answers a call that is refused. Throws what is no refusal. */
export function sendRefusal(response: ServerResponse, error: unknown, requestId: string): void {
  const { type, message } = error instanceof TestAwsError ? refusalOf(error) : (error as InvokeRefusal);
  if (STATUSES[type] === undefined) throw error;
  const by = STATUSES[type] < 500 ? 'User' : 'Service';
  sendJson(
    response,
    STATUSES[type],
    { Type: by, message },
    { 'x-amzn-errortype': type, 'x-amzn-requestid': requestId },
  );
}

/** What the test's own errors are to a client. */
function refusalOf({ code, message }: TestAwsError): InvokeRefusal {
  switch (code) {
    case 'FUNCTION_UNKNOWN':
      return new InvokeRefusal('ResourceNotFoundException', message);
    case 'PAYLOAD_INVALID':
      return new InvokeRefusal('InvalidRequestContentException', message);
    case 'PAYLOAD_TOO_LARGE':
      return new InvokeRefusal('RequestTooLargeException', message);
    default:
      return new InvokeRefusal('ServiceException', message);
  }
}
