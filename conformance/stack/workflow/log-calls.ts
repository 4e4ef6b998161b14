import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import type { Call } from '../iam/policy.ts';

/**
 * What Lambda does in the name of a function's role to keep its log. CloudWatch Logs looks for `log-stream:` at the end of the
 * resource also where there is no log stream yet.
 *
 * @see AWS Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs"
 */
export function callsOfLog(functionName: string): Call[] {
  const group = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/lambda/${functionName}:log-stream:`;
  return [
    { action: 'logs:CreateLogGroup', resource: group },
    { action: 'logs:CreateLogStream', resource: group },
    { action: 'logs:PutLogEvents', resource: `${group}2026/01/01/[$LATEST]0123456789abcdef` },
  ];
}
