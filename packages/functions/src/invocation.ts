import { Logger } from '@aws-lambda-powertools/logger';

/** What the functions use of the context that Lambda hands to a handler. */
export interface LambdaContext {
  /** Of the invocation; the same when Lambda tries again. */
  readonly awsRequestId: string;
  /** ARN by which the function was invoked. */
  readonly invokedFunctionArn: string;
  readonly functionName: string;
  /** MB. */
  readonly memoryLimitInMB: string;
  /** Milliseconds until Lambda ends the invocation. */
  getRemainingTimeInMillis(): number;
}

/** Account and Region of a function. Events from elsewhere are ignored. */
export interface AwsLocation {
  readonly account: string;
  readonly region: string;
}

/** The account and the Region of a function, by its ARN: `arn:aws:lambda:REGION:ACCOUNT:function:NAME`. */
export function locationOf({ invokedFunctionArn }: Pick<LambdaContext, 'invokedFunctionArn'>): AwsLocation {
  const [, , , region = '', account = ''] = invokedFunctionArn.split(':');
  return { account, region };
}

/** Limits of each attempt of the AWS SDK, in milliseconds: a `requestHandler` of its clients. */
export const SDK_TIMEOUTS = { connectionTimeout: 3000, requestTimeout: 10_000, throwOnRequestTimeout: true };

/** Where the functions write what they do: a line of JSON for each call, `details` among its fields. */
export interface Log {
  debug(message: string, details?: Details): void;
  info(message: string, details?: Details): void;
  warn(message: string, details?: Details): void;
  error(message: string, details?: Details): void;
}

/** Fields of a line. An `Error` is written with its causes. Nothing that is secret belongs here. */
export type Details = Readonly<Record<string, unknown>>;

/** A {@link Log} whose lines have what is known of the invocation. */
export interface InvocationLog extends Log {
  /** Begins an invocation: forgets what the last one has added. */
  begin(context: LambdaContext): void;
  /** Adds fields to every line to come of this invocation. */
  add(details: Details): void;
}

/**
 * Opens the log of a function: JSON lines of Powertools for AWS Lambda, with request id, function, cold start and what is
 * added. `POWERTOOLS_LOG_LEVEL` and Lambda's own log level say how much of it there is.
 *
 * @param service - Of all its lines, unless `POWERTOOLS_SERVICE_NAME` says otherwise.
 */
export function openLog(service: string): InvocationLog {
  const logger = new Logger({ serviceName: process.env.POWERTOOLS_SERVICE_NAME || service });
  const write =
    (level: keyof Log) =>
    (message: string, details: Details = {}) =>
      logger[level](message, { ...details });
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    begin(context) {
      logger.resetKeys();
      logger.addContext({ ...context, functionVersion: '', logGroupName: '', logStreamName: '' } as never);
    },
    add: (details) => logger.appendKeys({ ...details }),
  };
}
