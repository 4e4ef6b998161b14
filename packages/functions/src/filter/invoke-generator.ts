import type { LambdaClient } from '@aws-sdk/client-lambda';
import { FunctionError } from '../errors.ts';

/** Invokes the generator with the JSON of an event, asynchronously. Gives the id of the request. */
export type InvokeGenerator = (payload: string) => Promise<string>;

/** Milliseconds that a connection to Lambda, and an answer, may take each time that the SDK tries. */
const CONNECT_TIMEOUT = 3000;
const ANSWER_TIMEOUT = 10_000;

/**
 * Makes what invokes the generator. The AWS SDK is loaded with the first call: most events match no filter, and need none.
 * What it makes throws FunctionError `INVOCATION_FAILED`, after the three attempts of the SDK.
 *
 * @param arn - Of the generator.
 */
export function generatorInvoker(arn: string): InvokeGenerator {
  let client: LambdaClient | undefined;
  return async (payload) => {
    try {
      const { InvokeCommand, LambdaClient } = await import('./lambda-sdk.ts');
      client ??= new LambdaClient({
        region: arn.split(':')[3] as string,
        requestHandler: {
          connectionTimeout: CONNECT_TIMEOUT,
          requestTimeout: ANSWER_TIMEOUT,
          throwOnRequestTimeout: true,
        },
      });
      const command = new InvokeCommand({ FunctionName: arn, InvocationType: 'Event', Payload: payload });
      const { $metadata } = await client.send(command);
      return $metadata.requestId ?? '';
    } catch (cause) {
      const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      throw new FunctionError('INVOCATION_FAILED', `${arn} could not be invoked: ${why}`, { cause });
    }
  };
}
