// Loaded on demand: most events match no filter and need no AWS SDK.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { FunctionError } from '../errors.ts';
import { SDK_TIMEOUTS } from '../invocation.ts';

let client: LambdaClient | undefined;

/**
 * Invokes a function asynchronously with JSON. The AWS SDK makes three attempts.
 *
 * @returns The id of the request.
 * @throws FunctionError `INVOCATION_FAILED`
 */
export async function invokeFunction(arn: string, payload: string): Promise<string> {
  try {
    client ??= new LambdaClient({ region: arn.split(':')[3] as string, requestHandler: SDK_TIMEOUTS });
    const command = new InvokeCommand({ FunctionName: arn, InvocationType: 'Event', Payload: payload });
    const { $metadata } = await client.send(command);
    return $metadata.requestId ?? '';
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new FunctionError('INVOCATION_FAILED', `${arn} could not be invoked: ${why}`, { cause });
  }
}
