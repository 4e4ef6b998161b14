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
