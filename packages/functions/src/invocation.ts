import { Logger, type LogItem, LogLevelThreshold } from '@aws-lambda-powertools/logger';
import { escapeJson } from '@soci/oci';

/** The used part of the context that Lambda passes to a handler. */
export interface LambdaContext {
  /** Request id. Retries have the same id. */
  readonly awsRequestId: string;
  /** ARN that the caller used. */
  readonly invokedFunctionArn: string;
  readonly functionName: string;
  /** MB. */
  readonly memoryLimitInMB: string;
  /** Milliseconds until Lambda ends the invocation. */
  getRemainingTimeInMillis(): number;
}

/** Account and Region of a function. Events of other accounts and Regions are ignored. */
export interface AwsLocation {
  readonly account: string;
  readonly region: string;
}

/** Returns account and Region from the function's ARN: `arn:aws:lambda:REGION:ACCOUNT:function:NAME`. */
export function locationOf({ invokedFunctionArn }: Pick<LambdaContext, 'invokedFunctionArn'>): AwsLocation {
  const [, , , region = '', account = ''] = invokedFunctionArn.split(':');
  return { account, region };
}

/** Log of the functions. Each call writes one line of JSON with the fields of `details`. */
export interface Log {
  debug(message: string, details?: Details): void;
  info(message: string, details?: Details): void;
  warn(message: string, details?: Details): void;
  error(message: string, details?: Details): void;
}

/** Fields of a log line. An `Error` is written with its causes. Must not contain secrets. */
export type Details = Readonly<Record<string, unknown>>;

/** A {@link Log} that adds fields of the invocation to each line. */
export interface InvocationLog extends Log {
  /** Starts an invocation: removes the fields of the previous one. */
  begin(context: LambdaContext): void;
  /** Adds fields to all further lines of this invocation. */
  add(details: Details): void;
}

/** Escapes all unprintable characters. Powertools escapes only those that JSON does not allow. */
class PrintableLogger extends Logger {
  protected override printLog(logLevel: number, item: LogItem): void {
    item.prepareForPrint();
    const line = escapeJson(JSON.stringify(item.getAttributes(), this.getJsonReplacer() as JsonReplacer));
    const stream = logLevel >= LogLevelThreshold.WARN ? process.stderr : process.stdout;
    stream.write(`${line}\n`);
  }
}

type JsonReplacer = (key: string, value: unknown) => unknown;

/**
 * Opens the log of a function. Lines have the format of Powertools for AWS Lambda, with request id, function name, cold start
 * and added fields. `POWERTOOLS_LOG_LEVEL` and Lambda's log level set the level.
 *
 * @param service - Name of the service, unless `POWERTOOLS_SERVICE_NAME` is set.
 */
export function openLog(service: string): InvocationLog {
  const logger = new PrintableLogger({ serviceName: process.env.POWERTOOLS_SERVICE_NAME || service });
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
