import { writeSync } from 'node:fs';
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

/** Levels, from the most detailed one. Powertools also has `CRITICAL`, which Lambda calls `FATAL`, and `SILENT`. */
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL', 'SILENT'];

/**
 * Opens the log of a function. Lines have the fields of Powertools for AWS Lambda: request id, function name, cold start and so on,
 * then added fields. Lambda's log level sets the level, otherwise `POWERTOOLS_LOG_LEVEL` or `LOG_LEVEL`. @default `INFO`
 *
 * The logger of Powertools itself would take an eighth of the time of a cold start (decision 061).
 *
 * @param service - Name of the service, unless `POWERTOOLS_SERVICE_NAME` is set.
 */
export function openLog(service: string): InvocationLog {
  const { POWERTOOLS_SERVICE_NAME, AWS_LAMBDA_INITIALIZATION_TYPE } = process.env;
  const minimum = readLevel();
  let isCold = AWS_LAMBDA_INITIALIZATION_TYPE === 'on-demand';
  let invocation: Details = {};
  let added: Details = {};
  const write = (level: string) => {
    const severity = LEVELS.indexOf(level);
    return (message: string, details: Details = {}) => {
      if (severity < minimum) return;
      const fields = {
        level,
        message,
        timestamp: new Date().toISOString(),
        service: POWERTOOLS_SERVICE_NAME || service,
        ...invocation,
      };
      // Again, because details must not replace these fields.
      const line = formatLine({ ...fields, ...added, ...details, ...fields });
      writeLine(level === 'WARN' || level === 'ERROR' ? 2 : 1, line);
    };
  };
  return {
    debug: write('DEBUG'),
    info: write('INFO'),
    warn: write('WARN'),
    error: write('ERROR'),
    begin(context) {
      invocation = {
        cold_start: isCold,
        function_arn: context.invokedFunctionArn,
        function_memory_size: context.memoryLimitInMB,
        function_name: context.functionName,
        function_request_id: context.awsRequestId,
        xray_trace_id: /Root=([^;]*)/.exec(process.env._X_AMZN_TRACE_ID ?? '')?.[1],
      };
      isCold = false;
      added = {};
    },
    add(details) {
      added = { ...added, ...details };
    },
  };
}

function readLevel(): number {
  const { AWS_LAMBDA_LOG_LEVEL = '', POWERTOOLS_LOG_LEVEL, LOG_LEVEL = '' } = process.env;
  for (const name of [AWS_LAMBDA_LOG_LEVEL, POWERTOOLS_LOG_LEVEL || LOG_LEVEL]) {
    const level = LEVELS.indexOf(name.trim().toUpperCase().replace('FATAL', 'CRITICAL'));
    if (level !== -1) return level;
  }
  return LEVELS.indexOf('INFO');
}

/** Returns one line of JSON without unprintable characters and without empty fields. */
function formatLine(fields: Details): string {
  const filled = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== '');
  // The values that contain the current one, and what is written for them.
  const ancestors: unknown[] = [];
  const written: unknown[] = [];
  const replace = function (this: unknown, _key: string, value: unknown): unknown {
    if (typeof value === 'bigint') return `${value}`;
    if (typeof value !== 'object' || value === null) return value;
    while (written.length > 0 && written.at(-1) !== this) {
      written.pop();
      ancestors.pop();
    }
    if (ancestors.includes(value)) return undefined; // A cycle.
    ancestors.push(value);
    written.push(value instanceof Error ? fieldsOf(value) : value);
    return written.at(-1);
  };
  return escapeJson(JSON.stringify(Object.fromEntries(filled), replace));
}

/** Returns the fields of an error: those that JSON would omit, and further ones such as `code`. */
function fieldsOf({ name, message, stack, cause, ...others }: Error): Details {
  return { name, message, stack, cause, ...others };
}

/**
 * Writes a line to standard output (1) or standard error (2). It does not use the streams of `process`, because a cold start would
 * take 4 ms longer to open them.
 */
function writeLine(descriptor: 1 | 2, line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      // The pipe is full, and does not block because other code, such as that of the metrics, has opened its stream.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
