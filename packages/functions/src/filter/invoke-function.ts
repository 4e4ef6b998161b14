import type { LambdaClient } from '@aws-sdk/client-lambda';
import { FunctionError } from '../errors.ts';
import { SDK_TIMEOUTS } from '../sdk-timeouts.ts';

let client: LambdaClient | undefined;

/**
 * Invokes a function asynchronously with JSON. The AWS SDK makes up to three attempts.
 *
 * @returns The request id.
 * @throws FunctionError `INVOCATION_FAILED`
 */
export async function invokeFunction(arn: string, payload: string): Promise<string> {
  try {
    const { InvokeCommand, LambdaClient } = await import('./lambda-client.ts');
    client ??= new LambdaClient({ region: arn.split(':')[3] as string, requestHandler: SDK_TIMEOUTS });
    const command = new InvokeCommand({ FunctionName: arn, InvocationType: 'Event', Payload: payload });
    const { $metadata } = await client.send(command);
    return $metadata.requestId ?? '';
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new FunctionError('INVOCATION_FAILED', `cannot invoke ${arn}: ${reason}`, { cause });
  }
}
